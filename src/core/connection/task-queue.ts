import { NODE_TURNS, SPARE_TURNS } from './node-turns.ts';
import { type Message, PackedMessages, waitingBytesOf } from './packed-messages.ts';

/** Something that a client's message asks for. Must not reject. */
export interface Task {
  run(): Promise<void>;
  /** What the message that it comes from took while it waited. */
  readonly bytes: number;
  /** Beyond what clients ask for: done when there is time to spare. */
  readonly isExtra: boolean;
  /** By the measure of node-turns.ts: a message is 1, and a large one more. */
  readonly cost: number;
}

/** Messages that came one after another, with no other task between them, and what makes a task of each. */
interface Backlog {
  readonly messages: PackedMessages;
  readonly toTask: (message: Message) => Task;
}

/**
 * Runs a connection's tasks one after another, so that what a client sends takes effect in that order whatever has to
 * be waited for. Knows no bounds of its own: see ConnectionTasks.
 */
export class TaskQueue {
  #waiting: (Task | Backlog)[] = [];
  #size = 0;
  #waitingBytes = 0;
  #busy = false;
  #nextSinceMs = 0;

  /** Whether nothing is under way: a task would run at once. */
  get idle(): boolean {
    return !this.#busy;
  }

  /** Tasks that wait for their turn. */
  get size(): number {
    return this.#size;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Since when nothing has ended; undefined if nothing is under way. */
  get stillSinceMs(): number | undefined {
    return this.#busy ? this.#nextSinceMs : undefined;
  }

  add(task: Task): void {
    if (this.#busy) {
      this.#waiting.push(task);
      this.#size += 1;
      this.#waitingBytes += task.bytes;
      return;
    }
    this.#busy = true;
    this.#nextSinceMs = Date.now();
    void this.#run(task);
  }

  /** @param toTask makes a task of it in its turn; the same for all messages of a queue */
  addMessage(message: Message, toTask: Backlog['toTask']): void {
    if (!this.#busy) {
      this.add(toTask(message));
      return;
    }
    let last = this.#waiting.at(-1);
    if (last === undefined || !('messages' in last)) {
      last = { messages: new PackedMessages(), toTask };
      this.#waiting.push(last);
    }
    last.messages.add(message);
    this.#size += 1;
    this.#waitingBytes += waitingBytesOf(message);
  }

  /**
   * For a connection that is gone: drops what waits, and runs `last` after the task that is under way.
   * @param byClient what the client sent others before it closed the connection is carried out first
   */
  finish(last: () => Promise<void>, byClient: boolean): void {
    const all = this.#waiting;
    this.#waiting = [];
    this.#size = 0;
    this.#waitingBytes = 0;
    if (byClient) this.#keepForOthers(all);
    this.add({ run: last, bytes: 0, isExtra: false, cost: 1 });
  }

  #keepForOthers(all: readonly (Task | Backlog)[]): void {
    for (const one of all) {
      while ('messages' in one && one.messages.size > 0) {
        const message = one.messages.take();
        if (message.isForOthers) this.addMessage(message, one.toTask);
      }
    }
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
    const [first] = this.#waiting;
    if (first === undefined) return undefined;
    const next = 'messages' in first ? first.toTask(first.messages.take()) : first;
    if (!('messages' in first) || first.messages.size === 0) this.#waiting.shift();
    this.#size -= 1;
    this.#waitingBytes -= next.bytes;
    this.#nextSinceMs = Date.now();
    return next;
  }
}
