import { connect, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { Test } from 'tap';
import { type ConfigInput, configSchema } from '../../src/config/schema.ts';
import { createServer, type FanfareServer } from '../../src/server.ts';
import { APP, type Target, targetAt } from './target.ts';
import { until, within } from './wait.ts';

export type LogLine = Readonly<Record<string, unknown>>;

/** A running Fanfare, what it logs, and its own start and stop. */
export interface Running {
  readonly target: Target;
  readonly server: FanfareServer;
  readonly port: number;
  readonly log: readonly LogLine[];
  /** The first line with this message after those that were taken, taken. */
  logged(message: string): Promise<LogLine>;
}

export async function startLogged(t: Test, settings: Partial<ConfigInput> = {}): Promise<Running> {
  const config = configSchema.parse({
    host: '127.0.0.1',
    port: 0,
    shutdownGraceSeconds: 0,
    auth: { enabled: false },
    admin: { enabled: false },
    apps: [APP],
    ...settings,
  });
  const log: LogLine[] = [];
  const lines = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log.push(JSON.parse(chunk.toString('utf8')) as LogLine);
      done();
    },
  });
  const server = createServer(config, { logger: pino({ level: 'debug' }, lines) });
  const { port } = await server.start();
  t.teardown(() => server.stop());
  const taken = new Set<LogLine>();
  const [app] = config.apps;
  if (app === undefined) throw new Error('a Fanfare needs an app');
  return {
    target: targetAt(`http://127.0.0.1:${port}`, app),
    server,
    port,
    log,
    async logged(message) {
      const matches = (line: LogLine) => line.msg === message && !taken.has(line);
      await until(() => log.some(matches), `the log line '${message}'`);
      const found = log.find(matches);
      if (found === undefined) throw new Error(`the log line '${message}' has gone`);
      taken.add(found);
      return found;
    },
  };
}

/** A TCP connection that sends bytes as they are and keeps what comes. */
export class RawSocket {
  readonly socket: Socket;
  readonly ended: Promise<void>;
  #received = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    socket.on('error', () => socket.destroy());
    this.ended = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  static async connect(t: Test, port: number): Promise<RawSocket> {
    const socket = connect(port, '127.0.0.1');
    t.teardown(() => socket.destroy());
    await within(new Promise((resolve) => socket.once('connect', resolve)), 'a TCP connection');
    return new RawSocket(socket);
  }

  get bytes(): Buffer {
    return this.#received;
  }

  get text(): string {
    return this.#received.toString('latin1');
  }

  write(text: string | Buffer): void {
    this.socket.write(text);
  }

  /** Waits until what has come holds this. */
  async until(pattern: RegExp): Promise<void> {
    await until(() => pattern.test(this.text), `${pattern} in: ${this.text.slice(0, 500)}`);
  }

  /** How often it came so far. */
  count(pattern: RegExp): number {
    return this.text.match(new RegExp(pattern, 'g'))?.length ?? 0;
  }
}
