import { readCpuMicroseconds } from '../process-usage.ts';
import type { ChannelSubscriber, SubscriberOptions } from './channel-subscriber.ts';
import { DeliveryCheck, DeliveryError } from './delivery-check.ts';
import { Latencies, type LatencySummary } from './latencies.ts';
import { frameOfLine, StreamSubscriber } from './stream-subscriber.ts';
import { Subscriber } from './subscriber.ts';
import { TriggerConnection } from './trigger-connection.ts';
import { type AppKeys, eventData, triggerRequest } from './trigger-request.ts';

/** What is to be done to one server. */
export interface LoadJob {
  /** Names the server in sentences about failures. */
  readonly server: string;
  /** Where the subscribers connect, and the publishers too unless `triggerPort` names another node. */
  readonly port: number;
  readonly triggerPort?: number;
  /** The process that delivers. */
  readonly serverPid: number;
  /** What else works for this server: other nodes, a database. */
  readonly otherPids?: readonly number[];
  readonly app: AppKeys;
  readonly isSigned: boolean;
  readonly channel: string;
  readonly subscribers: number;
  /**
   * By which the subscribers connect; a WebSocket if it is left out. `chunked`: as `xhr_streaming`, but one response
   * goes on for the whole run, however long it becomes.
   */
  readonly transport?: 'ws' | 'xhr_streaming' | 'chunked';
  /** Connections that trigger, each with one request on its way at most. */
  readonly publishers: number;
  /** Trigger the next event once all subscribers have the last one; otherwise once it is answered. */
  readonly isPaced: boolean;
  /** Keep the publishers' connections alive, as far as the server does. */
  readonly isKeptAlive: boolean;
  readonly warmUpEvents: number;
  /** Measured events, over all publishers and all slices. */
  readonly events: number;
  /** Without an answer or a delivery for this long, the run has failed. */
  readonly stallSeconds: number;
}

export interface LoadResult {
  readonly events: number;
  readonly deliveries: number;
  readonly serverCpuMicroseconds: number;
  /** Of `otherPids`, in their order. */
  readonly otherCpuMicroseconds: readonly number[];
  readonly wallMilliseconds: number;
  /** From sending a trigger to its deliveries, if the next one waits for them. */
  readonly latency?: LatencySummary;
  /** How many reads the deliveries took, all subscribers together. */
  readonly reads: number;
  /** Opened by all publishers: one each for the warm-up and for each slice, if the server keeps them alive. */
  readonly apiConnections: number;
}

const CONNECTING_AT_ONCE = 50;

/**
 * Connects the subscribers of every job's server and triggers its warm-up. Then the measured events, in slices that
 * take turns over the servers, so that whatever else the machine does falls on all of them alike. Every delivery is
 * checked; rejects with a DeliveryError on the first that is missing, repeated, out of order or altered.
 */
export async function runLoads(jobs: readonly LoadJob[], slices: number): Promise<LoadResult[]> {
  const runs = jobs.map((job) => new LoadRun(job));
  const measure = async (): Promise<LoadResult[]> => {
    for (const run of runs) await run.warmUp();
    for (let slice = 0; slice < slices; slice += 1) for (const run of runs) await run.measure(slice, slices);
    const results: LoadResult[] = [];
    for (const run of runs) results.push(await run.result());
    return results;
  };
  try {
    return await Promise.race([measure(), ...runs.map((run) => run.failure)]);
  } finally {
    for (const run of runs) run.close();
  }
}

class LoadRun {
  readonly failure: Promise<never>;
  readonly #job: LoadJob;
  readonly #check: DeliveryCheck;
  readonly #subscribers: ChannelSubscriber[] = [];
  readonly #connections: TriggerConnection[] = [];
  readonly #publishers: { sequence: number; requests: Buffer[]; isAnswered: boolean; isDelivered: boolean }[] = [];
  readonly #stallTimer: NodeJS.Timeout;
  #fail: (error: Error) => void = () => undefined;
  #phaseEnd: (() => void) | undefined;
  #answers = 0;
  /** While the other servers have their turn, nothing is to be expected of this one. */
  #isActive = false;
  readonly #measured = { events: 0, deliveries: 0, reads: 0, wallMilliseconds: 0 };
  readonly #cpuMicroseconds: number[];
  #latencies: Latencies;

  constructor(job: LoadJob) {
    this.#job = job;
    this.#cpuMicroseconds = this.#pids().map(() => 0);
    this.#latencies = new Latencies(job.publishers);
    this.failure = new Promise((_, reject) => {
      this.#fail = (error) => {
        const message = `${job.server}: ${error.message}`;
        reject(error instanceof DeliveryError ? new DeliveryError(message) : new Error(message, { cause: error }));
      };
    });
    this.#check = new DeliveryCheck({
      channel: job.channel,
      subscribers: job.subscribers,
      publishers: job.publishers,
      ...(this.#isWebSocket ? {} : { frameOf: frameOfLine }),
      onHalf: (publisher) => this.#latencies.half(publisher),
      onComplete: (publisher) => this.#complete(publisher),
    });
    let progress = -1;
    this.#stallTimer = setInterval(() => {
      const now = this.#isActive ? this.#answers + this.#check.deliveries + this.#subscribers.length : -1;
      if (now === progress && this.#isActive) {
        this.#fail(new DeliveryError(`nothing happened for ${job.stallSeconds} s; ${this.#check.missing()}`));
      }
      progress = now;
    }, job.stallSeconds * 1000);
  }

  async warmUp(): Promise<void> {
    this.#isActive = true;
    await this.#connect();
    this.#prepare(this.#job.warmUpEvents);
    await this.#phase();
    this.#isActive = false;
    this.#latencies = new Latencies(this.#job.publishers);
  }

  async measure(slice: number, slices: number): Promise<void> {
    const { events } = this.#job;
    this.#prepare(Math.floor((events * (slice + 1)) / slices) - Math.floor((events * slice) / slices));
    await Promise.all(this.#connections.map((connection) => connection.renew()));
    const deliveries = this.#check.deliveries;
    const answers = this.#answers;
    const reads = this.#reads();
    const wall = performance.now();
    const cpu = this.#pids().map(readCpuMicroseconds);
    this.#isActive = true;
    this.#stayAwake();
    await this.#phase();
    this.#isActive = false;
    for (const [index, used] of this.#pids().map(readCpuMicroseconds).entries()) {
      this.#cpuMicroseconds[index] = (this.#cpuMicroseconds[index] ?? 0) + used - (cpu[index] ?? Number.NaN);
    }
    this.#measured.wallMilliseconds += performance.now() - wall;
    this.#measured.reads += this.#reads() - reads;
    this.#measured.events += this.#answers - answers;
    this.#measured.deliveries += this.#check.deliveries - deliveries;
  }

  async result(): Promise<LoadResult> {
    const { events, deliveries } = this.#measured;
    this.#isActive = true;
    await Promise.all(this.#subscribers.map((subscriber) => subscriber.barrier()));
    if (
      events !== this.#job.events ||
      deliveries !== events * this.#job.subscribers ||
      this.#check.deliveries !== this.#answers * this.#job.subscribers
    ) {
      throw new DeliveryError(
        `${this.#job.server}: ${deliveries} deliveries of ${events} events; ${this.#check.missing()}`,
      );
    }
    const apiConnections = this.#connections.reduce((sum, connection) => sum + connection.opened, 0);
    const [serverCpuMicroseconds = Number.NaN, ...otherCpuMicroseconds] = this.#cpuMicroseconds;
    return {
      ...this.#measured,
      serverCpuMicroseconds,
      otherCpuMicroseconds,
      apiConnections,
      ...(this.#job.isPaced ? { latency: this.#latencies.summary() } : {}),
    };
  }

  get #isWebSocket(): boolean {
    return (this.#job.transport ?? 'ws') === 'ws';
  }

  #pids(): number[] {
    return [this.#job.serverPid, ...(this.#job.otherPids ?? [])];
  }

  /**
   * Keeps this process from sleeping while the server has its turn. Waking it is work that the kernel charges to the
   * server, and more of it the more often this process has nothing to do; clients on other machines cost no such thing.
   */
  #stayAwake(): void {
    if (this.#isActive) setImmediate(() => this.#stayAwake());
  }

  #reads(): number {
    return this.#subscribers.reduce((sum, subscriber) => sum + subscriber.reads, 0);
  }

  close(): void {
    this.#isActive = false;
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
        const options: SubscriberOptions = {
          port: job.port,
          key: job.app.key,
          channel: job.channel,
          onDelivery: (bytes, start, end) => this.#check.delivered(index, bytes, start, end),
          onFailure: (error) => {
            if (error instanceof DeliveryError) onFailure(error);
            else onFailure(new Error(`subscriber ${index}: ${error.message}`, { cause: error }));
          },
        };
        const subscriber = this.#isWebSocket
          ? new Subscriber(options)
          : new StreamSubscriber(options, job.transport === 'chunked');
        this.#subscribers.push(subscriber);
        batch.push(subscriber.ready());
      }
      await Promise.all(batch);
    }
    for (let publisher = 0; publisher < job.publishers; publisher += 1) {
      const onAnswer = (): void => this.#answered(publisher);
      const port = job.triggerPort ?? job.port;
      const connection = new TriggerConnection({ port, isKeptAlive: job.isKeptAlive, onAnswer, onFailure });
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
    this.#latencies.sent(index);
    this.#connections[index]?.send(request);
  }

  #answered(index: number): void {
    this.#answers += 1;
    const publisher = this.#publishers[index];
    if (publisher !== undefined) publisher.isAnswered = true;
    this.#next(index);
  }

  #complete(index: number): void {
    this.#latencies.last(index);
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
