import { NODE_TURNS, SPARE_TURNS } from './node-turns.ts';

/** Something that a client's message asks for. Must not reject. */
export interface Task {
  run(): Promise<void>;
  /** The length of the message that waits with it. */
  readonly characters: number;
  /** Done even if the client has closed its connection meanwhile: it is for others. */
  readonly isForOthers: boolean;
  /** Beyond what clients ask for: done when there is time to spare. */
  readonly isExtra: boolean;
  /** By the measure of node-turns.ts: a message is 1, and a large one more. */
  readonly cost: number;
}

/**
 * Runs a connection's tasks one after another, so that what a client sends takes effect in that order whatever has to
 * be waited for. Knows no bounds of its own: see ConnectionTasks.
 */
export class TaskQueue {
  #waiting: Task[] = [];
  #waitingCharacters = 0;
  #busy = false;
  #nextSinceMs = 0;

  /** Whether nothing is under way: a task would run at once. */
  get idle(): boolean {
    return !this.#busy;
  }

  /** Tasks that wait for their turn. */
  get size(): number {
    return this.#waiting.length;
  }

  get waitingCharacters(): number {
    return this.#waitingCharacters;
  }

  /** Since when nothing has ended; undefined if nothing is under way. */
  get stillSinceMs(): number | undefined {
    return this.#busy ? this.#nextSinceMs : undefined;
  }

  add(task: Task): void {
    if (this.#busy) {
      this.#waiting.push(task);
      this.#waitingCharacters += task.characters;
      return;
    }
    this.#busy = true;
    this.#nextSinceMs = Date.now();
    void this.#run(task);
  }

  /**
   * For a connection that is gone: drops what waits, and runs `last` after the task that is under way.
   * @param byClient what the client sent others before it closed the connection is carried out first
   */
  finish(last: () => Promise<void>, byClient: boolean): void {
    const kept = byClient ? this.#waiting.filter(({ isForOthers }) => isForOthers) : [];
    this.#waiting = kept;
    this.#waitingCharacters = kept.reduce((sum, { characters }) => sum + characters, 0);
    this.add({ run: last, characters: 0, isForOthers: false, isExtra: false, cost: 1 });
  }

  async #run(first: Task): Promise<void> {
    let task: Task | undefined = first;
    while (task !== undefined) {
      const turn = task.isExtra ? SPARE_TURNS.take() : NODE_TURNS.take(task.cost);
      if (turn !== undefined) await turn;
      await task.run();
      task = this.#next();
    }
    this.#busy = false;
  }

  #next(): Task | undefined {
    const next = this.#waiting.shift();
    if (next === undefined) return undefined;
    this.#waitingCharacters -= next.characters;
    this.#nextSinceMs = Date.now();
    return next;
  }
}
