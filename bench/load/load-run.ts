import { readCpuMicroseconds } from '../cpu-time.ts';
import { DeliveryCheck, DeliveryError } from './delivery-check.ts';
import { Subscriber } from './subscriber.ts';
import { TriggerConnection } from './trigger-connection.ts';
import { type AppKeys, eventData, triggerRequest } from './trigger-request.ts';

/** What the load process is asked to do to one server. */
export interface LoadJob {
  readonly port: number;
  readonly serverPid: number;
  readonly app: AppKeys;
  readonly isSigned: boolean;
  readonly channel: string;
  readonly subscribers: number;
  /** Connections that trigger, each with one request on its way at most. */
  readonly publishers: number;
  /** Trigger the next event once all subscribers have the last one; otherwise once it is answered. */
  readonly isPaced: boolean;
  /** Keep the publishers' connections alive, as far as the server does. */
  readonly isKeptAlive: boolean;
  /** For each phase, over all publishers. */
  readonly warmUpEvents: number;
  readonly events: number;
  /** Without an answer or a delivery for this long, the run has failed. */
  readonly stallSeconds: number;
}

export interface LoadResult {
  readonly events: number;
  readonly deliveries: number;
  readonly serverCpuMicroseconds: number;
  readonly wallMilliseconds: number;
  /** By all publishers, warm-up included: their number where the server keeps connections alive. */
  readonly apiConnections: number;
}

const CONNECTING_AT_ONCE = 50;

/**
 * Connects the subscribers, triggers a warm-up and then the events that are measured, and checks every delivery of
 * both. Rejects with a DeliveryError on the first that is missing, repeated, out of order or altered.
 */
export async function runLoad(job: LoadJob): Promise<LoadResult> {
  const run = new LoadRun(job);
  try {
    return await Promise.race([run.measure(), run.failure]);
  } finally {
    run.close();
  }
}

class LoadRun {
  readonly failure: Promise<never>;
  readonly #job: LoadJob;
  readonly #check: DeliveryCheck;
  readonly #subscribers: Subscriber[] = [];
  readonly #connections: TriggerConnection[] = [];
  readonly #publishers: { sequence: number; requests: Buffer[]; isAnswered: boolean; isDelivered: boolean }[] = [];
  readonly #stallTimer: NodeJS.Timeout;
  #fail: (error: Error) => void = () => undefined;
  #phaseEnd: (() => void) | undefined;
  #answers = 0;

  constructor(job: LoadJob) {
    this.#job = job;
    this.failure = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#check = new DeliveryCheck({
      channel: job.channel,
      subscribers: job.subscribers,
      publishers: job.publishers,
      onComplete: (publisher) => this.#complete(publisher),
    });
    let progress = -1;
    this.#stallTimer = setInterval(() => {
      const now = this.#answers + this.#check.deliveries + this.#subscribers.length;
      if (now === progress) {
        this.#fail(new DeliveryError(`nothing happened for ${job.stallSeconds} s; ${this.#check.missing()}`));
      }
      progress = now;
    }, job.stallSeconds * 1000);
  }

  async measure(): Promise<LoadResult> {
    const job = this.#job;
    await this.#connect();
    this.#prepare(job.warmUpEvents);
    await this.#phase();
    this.#prepare(job.events);
    const deliveriesBefore = this.#check.deliveries;
    const answersBefore = this.#answers;
    const wallBefore = performance.now();
    const cpuBefore = readCpuMicroseconds(job.serverPid);
    await this.#phase();
    const serverCpuMicroseconds = readCpuMicroseconds(job.serverPid) - cpuBefore;
    const wallMilliseconds = performance.now() - wallBefore;
    const events = this.#answers - answersBefore;
    const deliveries = this.#check.deliveries - deliveriesBefore;
    await Promise.all(this.#subscribers.map((subscriber) => subscriber.barrier()));
    if (deliveries !== events * job.subscribers || !this.#check.isComplete()) {
      throw new DeliveryError(`${deliveries} deliveries of ${events} events; ${this.#check.missing()}`);
    }
    const apiConnections = this.#connections.reduce((sum, connection) => sum + connection.opened, 0);
    return { events, deliveries, serverCpuMicroseconds, wallMilliseconds, apiConnections };
  }

  close(): void {
    clearInterval(this.#stallTimer);
    for (const subscriber of this.#subscribers) subscriber.close();
    for (const connection of this.#connections) connection.close();
  }

  async #connect(): Promise<void> {
    const job = this.#job;
    const onFailure = (error: Error): void => this.#fail(error);
    for (let from = 0; from < job.subscribers; from += CONNECTING_AT_ONCE) {
      const batch: Promise<void>[] = [];
      for (let index = from; index < Math.min(from + CONNECTING_AT_ONCE, job.subscribers); index += 1) {
        const subscriber = new Subscriber({
          port: job.port,
          key: job.app.key,
          channel: job.channel,
          onDelivery: (bytes, start, end) => this.#check.delivered(index, bytes, start, end),
          onFailure: (error) => {
            if (error instanceof DeliveryError) onFailure(error);
            else onFailure(new Error(`subscriber ${index}: ${error.message}`, { cause: error }));
          },
        });
        this.#subscribers.push(subscriber);
        batch.push(subscriber.ready());
      }
      await Promise.all(batch);
    }
    for (let publisher = 0; publisher < job.publishers; publisher += 1) {
      const onAnswer = (): void => this.#answered(publisher);
      const connection = new TriggerConnection({ port: job.port, isKeptAlive: job.isKeptAlive, onAnswer, onFailure });
      this.#connections.push(connection);
      this.#publishers.push({ sequence: 0, requests: [], isAnswered: true, isDelivered: true });
    }
  }

  /** Signs and serializes all requests beforehand, so that the measured time holds nothing but their sending. */
  #prepare(events: number): void {
    const { app, isSigned, channel, publishers } = this.#job;
    for (const [index, publisher] of this.#publishers.entries()) {
      const share = Math.floor(events / publishers) + (index < events % publishers ? 1 : 0);
      publisher.requests = [];
      for (let next = publisher.sequence + 1; next <= publisher.sequence + share; next += 1) {
        const data = eventData(channel, index, next);
        publisher.requests.push(triggerRequest(app.id, isSigned ? app : undefined, channel, data));
      }
      publisher.requests.reverse();
    }
  }

  #phase(): Promise<void> {
    return new Promise((resolve) => {
      this.#phaseEnd = resolve;
      for (let index = 0; index < this.#publishers.length; index += 1) this.#next(index);
    });
  }

  #next(index: number): void {
    const publisher = this.#publishers[index];
    if (publisher === undefined || !publisher.isAnswered || (this.#job.isPaced && !publisher.isDelivered)) return;
    const request = publisher.requests.pop();
    if (request === undefined) {
      this.#endPhase();
      return;
    }
    publisher.sequence += 1;
    publisher.isAnswered = false;
    publisher.isDelivered = false;
    this.#check.publishing(index, publisher.sequence);
    this.#connections[index]?.send(request);
  }

  #answered(index: number): void {
    this.#answers += 1;
    const publisher = this.#publishers[index];
    if (publisher !== undefined) publisher.isAnswered = true;
    this.#next(index);
  }

  #complete(index: number): void {
    const publisher = this.#publishers[index];
    if (publisher !== undefined) publisher.isDelivered = true;
    this.#next(index);
  }

  #endPhase(): void {
    const isOver = this.#publishers.every((publisher) => publisher.isAnswered && publisher.requests.length === 0);
    if (!isOver || !this.#check.isComplete()) return;
    this.#phaseEnd?.();
    this.#phaseEnd = undefined;
  }
}
