import { MemoryOutbox } from '../../src/broker/memory/memory-outbox.ts';
import { Connection } from '../../src/core/connection/connection.ts';
import { type App, ConfiguredApps } from '../../src/core/contracts/app.ts';
import type { Broker, BrokerMessage } from '../../src/core/contracts/broker.ts';
import type { Logger } from '../../src/core/contracts/logger.ts';
import { wantsNothing } from '../../src/core/contracts/outbox.ts';
import type { Socket } from '../../src/core/contracts/transport.ts';
import { NodeFacts } from '../../src/core/subscriptions/node-facts.ts';
import { app } from './unit-app.ts';

/** A socket that writes down what is done to it. */
export class FakeSocket implements Socket {
  readonly transport = 'fake';
  readonly calls: string[] = [];
  /** The payloads of its pings. */
  readonly pings: string[] = [];

  send(frame: string): void {
    this.calls.push(`send ${frame}`);
  }
  together(act: () => void): void {
    act();
  }

  join(topic: string): void {
    this.calls.push(`join ${topic}`);
  }
  leave(topic: string): void {
    this.calls.push(`leave ${topic}`);
  }
  ping(payload: string): void {
    this.calls.push('ping');
    this.pings.push(payload);
  }
  async drained(): Promise<void> {}
  close(code: number): void {
    this.calls.push(`close ${code}`);
  }
}

export function fakeConnection(nowMs = 0, of: App = app()): Connection {
  const socket = new FakeSocket();
  const apps = new ConfiguredApps([of]);
  return new Connection({ apps, app: of, socketId: '1.1', ip: '192.0.2.1', origin: '', socket, nowMs });
}

/** A broker whose calls wait until the test settles them, in any order it likes. */
export class FakeBroker implements Broker {
  readonly calls: string[] = [];
  readonly published: BrokerMessage[] = [];
  /** What the next calls of `subscribe` return. */
  readonly subscriptions: Promise<void>[] = [];
  failPublishWith: Error | undefined;

  async start(): Promise<void> {}
  async subscribe(topic: string): Promise<void> {
    this.calls.push(`subscribe ${topic}`);
    await this.subscriptions.shift();
  }
  async unsubscribe(topic: string): Promise<void> {
    this.calls.push(`unsubscribe ${topic}`);
  }
  async publish(messages: readonly BrokerMessage[]): Promise<void> {
    if (this.failPublishWith !== undefined) throw this.failPublishWith;
    this.published.push(...messages);
  }
  async cached(): Promise<undefined> {}
  isReady(): boolean {
    return true;
  }
  async close(): Promise<void> {}
}

export interface LoggedLine {
  readonly level: keyof Logger;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A logger that keeps what it is told. */
export function recordingLogger(): { readonly logger: Logger; readonly lines: LoggedLine[] } {
  const lines: LoggedLine[] = [];
  const at = (level: keyof Logger) => (fields: object, message: string) => {
    lines.push({ level, fields: { ...fields }, message });
  };
  return { logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines };
}

/** For parts that tell facts which nobody reads. */
export function noFacts(): NodeFacts {
  const ignore = () => undefined;
  const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  return new NodeFacts(new MemoryOutbox(wantsNothing, logger), logger);
}
