import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../test/support/free-port.ts';
import { Subscriber } from '../support/load/subscriber.ts';
import { TriggerConnection } from '../support/load/trigger-connection.ts';
import { type AppKeys, EVENT, eventData, triggerRequest } from '../support/load/trigger-request.ts';
import { nodeCommand } from '../support/node-process.ts';
import { readCpuMicroseconds, readResidentBytes } from '../support/process-usage.ts';
import { ServerProcess } from '../support/server-process.ts';

const APP: AppKeys = { id: 'app-id', key: 'app-key', secret: 'app-secret' };
export const IN_FLIGHT = 16;
/** `{"event":"` comes before an event's name. */
const NAME_AT = 10;

export type Kind = 'plain' | 'resumable';

/** One server with subscribers of one kind, and triggers for them. */
export class Bed {
  readonly kind: Kind;
  readonly #server: ServerProcess;
  readonly #port: number;
  readonly #subscribers: Subscriber[] = [];
  readonly #triggers: TriggerConnection[] = [];
  #delivered = 0;
  #answered = 0;
  #sequence = 0;
  #failure: Error | undefined;

  private constructor(kind: Kind, server: ServerProcess, port: number) {
    this.kind = kind;
    this.#server = server;
    this.#port = port;
  }

  static async start(kind: Kind): Promise<Bed> {
    const port = await freePort();
    const settings = { host: '127.0.0.1', port, auth: { enabled: false }, apps: [APP] };
    const command = nodeCommand({ ...settings, log: { level: 'warn' } });
    return new Bed(kind, await ServerProcess.start(command, port), port);
  }

  async subscribe(channel: string, subscribers: number): Promise<void> {
    for (let begun = 0; begun < subscribers; begun += 50) {
      const some = Array.from({ length: Math.min(50, subscribers - begun) }, () => this.#subscriber(channel));
      this.#subscribers.push(...some);
      await this.#untilFailure(Promise.all(some.map((subscriber) => subscriber.ready())));
    }
  }

  /** Publishes so many events, several under way, and waits for every delivery; gives the CPU that the server used. */
  async publish(channel: string, events: number, bytes = 0): Promise<number> {
    const before = readCpuMicroseconds(this.#server.pid);
    for (let begun = 0; begun < events; begun += IN_FLIGHT) {
      const some = Math.min(IN_FLIGHT, events - begun);
      const due = { delivered: this.#delivered + some * this.#subscribers.length, answered: this.#answered + some };
      for (let index = 0; index < some; index += 1) this.#trigger(index).send(this.#request(channel, bytes));
      for (let idleMs = 0; this.#delivered < due.delivered || this.#answered < due.answered; idleMs += 1) {
        if (this.#failure !== undefined) throw this.#failure;
        if (idleMs > 20_000) throw new Error(`${due.delivered - this.#delivered} deliveries are missing`);
        await delay(1);
      }
    }
    return readCpuMicroseconds(this.#server.pid) - before;
  }

  /** So many events a second, evenly; acknowledgements and all else that a server does meanwhile count. */
  async publishSlowly(channel: string, eventsPerSecond: number, seconds: number): Promise<number> {
    const before = readCpuMicroseconds(this.#server.pid);
    for (let event = 0; event < eventsPerSecond * seconds; event += 1) {
      const pause = delay(1000 / eventsPerSecond);
      await this.publish(channel, 1);
      await pause;
    }
    return readCpuMicroseconds(this.#server.pid) - before;
  }

  get subscribers(): number {
    return this.#subscribers.length;
  }

  /** Of the server's process, in bytes. */
  residentBytes(): number {
    return readResidentBytes(this.#server.pid);
  }

  async close(): Promise<void> {
    for (const subscriber of this.#subscribers) subscriber.close();
    for (const trigger of this.#triggers) trigger.close();
    await this.#server.stop();
  }

  #subscriber(channel: string): Subscriber {
    return new Subscriber({
      port: this.#port,
      // Any prefix may stand before a path's end, which is what a key is put into.
      key: this.kind === 'plain' ? APP.key : `resume/${randomUUID()}/app/${APP.key}`,
      channel,
      onDelivery: (bytes, start) => {
        if (bytes.toString('latin1', start + NAME_AT, start + NAME_AT + EVENT.length) === EVENT) this.#delivered += 1;
      },
      onFailure: (error) => {
        this.#failure = error;
      },
    });
  }

  #trigger(index: number): TriggerConnection {
    let trigger = this.#triggers[index];
    if (trigger === undefined) {
      trigger = new TriggerConnection({
        port: this.#port,
        isKeptAlive: true,
        onAnswer: () => {
          this.#answered += 1;
        },
        onFailure: (error) => {
          this.#failure = error;
        },
      });
      this.#triggers[index] = trigger;
    }
    return trigger;
  }

  #request(channel: string, bytes: number): Buffer {
    this.#sequence += 1;
    const data = bytes === 0 ? eventData(channel, 0, this.#sequence) : 'x'.repeat(bytes);
    return triggerRequest(APP.id, APP, channel, data);
  }

  async #untilFailure<T>(promise: Promise<T>): Promise<T> {
    let isOver = false;
    const watch = (async () => {
      while (!isOver) {
        if (this.#failure !== undefined) throw this.#failure;
        await delay(20);
      }
    })();
    try {
      await Promise.race([promise, watch]);
      return await promise;
    } finally {
      isOver = true;
    }
  }
}
