import { Command, Redis, type RedisOptions } from 'ioredis';
import type { Logger } from '../../../core/contracts/logger.ts';
import { type Argument, scriptTexts } from '../scripts/step.ts';
import { batchesOf } from './batches.ts';

/** What a link tells its owner. */
export interface LinkOwner {
  /** The link is connected: subscribe again to whatever is wanted. It is ready once this resolves. */
  resubscribe(link: Link): Promise<void>;
  /** Commands are carried out from now on. */
  ready(link: Link, since: Interruption): void;
  down(link: Link): void;
  message(channel: string, text: string): void;
  /** The server no longer has what was asked of it, and may have ended subscriptions. */
  moved(link: Link): void;
}

/** What may have happened since the link was last ready: nothing, if it never was. */
export interface Interruption {
  /** Messages may have been missed. */
  readonly gap: boolean;
  /** Another server, or the same one started anew, answers: what it had confirmed may be gone. */
  readonly loss: boolean;
}

/** Between two attempts to connect, give or take a quarter. */
const MAX_RECONNECT_MS = 300;

/**
 * For so long after an interruption no message is published: other nodes, which may have been cut off too, then hear
 * again what this one is about to say.
 */
const HOLD_MS = 500;

/** How many channels one command subscribes to: more would hold up what else the connection has to say. */
const CHANNELS_PER_COMMAND = 500;

/**
 * The connections to one Redis server: one for commands, one for subscriptions. Both must stand for the link to be
 * ready, as a node that publishes without hearing would not serve its own subscribers.
 *
 * Nothing is queued while it is not ready and nothing is sent twice: whoever calls decides whether to try again.
 */
export class Link {
  readonly name: string;
  readonly #commands: Redis;
  readonly #subscriber: Redis;
  readonly #owner: LinkOwner;
  readonly #sharded: boolean;
  readonly #logger: Logger;
  readonly #heartbeat: NodeJS.Timeout;
  /** The stream that holds back what this turn of the event loop sends, so that it is written at once. */
  #corked: Redis['stream'] | undefined;
  #ready = false;
  /** Names the server's process as it was when the link was last ready. */
  #runId: string | undefined;
  #closed = false;
  /** Counts what invalidates a preparation that is under way. */
  #generation = 0;
  #publishHold: Promise<void> | undefined;
  #lastError = '';

  constructor(
    name: string,
    options: RedisOptions,
    {
      owner,
      sharded,
      logger,
      heartbeatMs,
    }: { owner: LinkOwner; sharded: boolean; logger: Logger; heartbeatMs: number },
  ) {
    this.name = name;
    this.#owner = owner;
    this.#sharded = sharded;
    this.#logger = logger;
    this.#commands = this.#connect(options);
    this.#subscriber = this.#connect(options);
    this.#subscriber.on(sharded ? 'smessage' : 'message', (channel: string, text: string) =>
      owner.message(channel, text),
    );
    // A Cluster tells subscribers of a slot that has gone elsewhere by unsubscribing them.
    this.#subscriber.on('moved', () => owner.moved(this));
    // A server that hangs is noticed by a command without an answer (socketTimeout).
    this.#heartbeat = setInterval(() => this.#ping(), heartbeatMs);
    this.#heartbeat.unref();
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Whether the server can be asked, even if it is not ready to be relied on. */
  get connected(): boolean {
    return this.#commands.status === 'ready';
  }

  /** While other nodes may not hear yet what is published: resolves when they should. */
  get publishHold(): Promise<void> | undefined {
    return this.#publishHold;
  }

  /** Changes whenever what was subscribed before may no longer be. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * Rejects as Redis or the connection does (see trouble.ts). What is sent in one turn of the event loop is written
   * together.
   */
  send(name: string, args: Argument[]): Promise<unknown> {
    if (this.#corked === undefined && this.connected) {
      this.#corked = this.#commands.stream;
      this.#corked.cork();
      setImmediate(this.#uncork);
    }
    const command = new Command(name, args, { replyEncoding: 'utf8' });
    this.#commands.sendCommand(command);
    return command.promise;
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    const done: Promise<unknown>[] = [];
    for (const some of batchesOf(channels, CHANNELS_PER_COMMAND)) {
      done.push(this.#sharded ? this.#subscriber.ssubscribe(...some) : this.#subscriber.subscribe(...some));
    }
    await Promise.all(done);
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    const done: Promise<unknown>[] = [];
    for (const some of batchesOf(channels, CHANNELS_PER_COMMAND)) {
      done.push(this.#sharded ? this.#subscriber.sunsubscribe(...some) : this.#subscriber.unsubscribe(...some));
    }
    await Promise.all(done);
  }

  async loadScripts(): Promise<void> {
    await Promise.all(
      scriptTexts(this.#sharded ? 'sharded' : 'single').map((text) => this.#commands.call('SCRIPT', 'LOAD', text)),
    );
  }

  /** For a server that answers, but is no longer the one to ask: after a failover, say. */
  reconnect(): void {
    this.#commands.disconnect(true);
    this.#subscriber.disconnect(true);
  }

  /** Other nodes may not hear yet what is published here. */
  holdPublishes(): void {
    const hold = new Promise<void>((resolve) => {
      setTimeout(resolve, HOLD_MS);
    });
    this.#publishHold = hold;
    void hold.then(() => {
      if (this.#publishHold === hold) this.#publishHold = undefined;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#ready = false;
    clearInterval(this.#heartbeat);
    this.#uncork();
    await Promise.all([this.#commands, this.#subscriber].map(quit));
  }

  #connect(options: RedisOptions): Redis {
    const redis = new Redis({
      ...options,
      replyMapping: 'legacy',
      // The node subscribes anew by itself, knows which of its calls may be repeated, and bounds what waits.
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      disableClientInfo: true,
      retryStrategy: (attempt: number) =>
        Math.min(MAX_RECONNECT_MS, 25 * 2 ** Math.min(attempt, 6)) * (0.75 + Math.random() / 2),
    });
    redis.on('ready', () => void this.#prepare());
    redis.on('close', () => this.#down());
    // The client gives up if a failover is told while it is connecting.
    redis.on('end', () => this.#connectAgain(redis));
    redis.on('error', (error: Error) => {
      // Every attempt to connect fails in the same words: one line is enough.
      if (error.message === this.#lastError) return;
      this.#lastError = error.message;
      this.#logger.warn({ redis: this.name, reason: error.message }, 'Redis connection failed');
    });
    return redis;
  }

  #connectAgain(redis: Redis): void {
    if (this.#closed) return;
    setTimeout(() => {
      if (this.#closed || redis.status !== 'end') return;
      redis.connect().catch((error: unknown) => {
        this.#logger.debug({ redis: this.name, err: error }, 'Redis could not be connected to');
      });
    }, MAX_RECONNECT_MS);
  }

  async #prepare(): Promise<void> {
    if (this.#closed || this.#commands.status !== 'ready' || this.#subscriber.status !== 'ready') return;
    this.#generation += 1;
    const generation = this.#generation;
    let runId: string;
    try {
      await this.loadScripts();
      runId = await this.#readRunId();
      await this.#owner.resubscribe(this);
    } catch (error) {
      if (generation !== this.#generation || this.#closed) return;
      this.#logger.warn({ redis: this.name, err: error }, 'Redis cannot be used yet');
      setTimeout(() => void this.#prepare(), 250).unref();
      return;
    }
    if (generation !== this.#generation || this.#closed) return;
    const gap = this.#runId !== undefined;
    const loss = gap && runId !== this.#runId;
    this.#ready = true;
    this.#runId = runId;
    if (gap) this.holdPublishes();
    this.#lastError = '';
    this.#logger.info({ redis: this.name }, 'Redis connected');
    this.#owner.ready(this, { gap, loss });
  }

  async #readRunId(): Promise<string> {
    const info = await this.#commands.info('server');
    return /^run_id:(\S+)/m.exec(info)?.[1] ?? '';
  }

  #down(): void {
    this.#generation += 1;
    if (!this.#ready) return;
    this.#ready = false;
    if (!this.#closed) this.#logger.warn({ redis: this.name }, 'Redis connection lost');
    this.#owner.down(this);
  }

  readonly #uncork = (): void => {
    const stream = this.#corked;
    this.#corked = undefined;
    stream?.uncork();
  };

  #ping(): void {
    if (!this.#ready) return;
    for (const redis of [this.#commands, this.#subscriber]) {
      redis.ping().catch((error: unknown) => {
        this.#logger.debug({ redis: this.name, err: error }, 'Redis did not answer a ping');
      });
    }
  }
}

/** Lets what was sent be answered; a server that is away is not waited for. */
async function quit(redis: Redis): Promise<void> {
  if (redis.status !== 'ready') {
    redis.disconnect();
    return;
  }
  // What it answers no longer matters.
  await Promise.allSettled([redis.quit()]);
  // What watches the sentinels would stay otherwise.
  redis.disconnect();
}
