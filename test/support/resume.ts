import { randomUUID } from 'node:crypto';
import type { Options } from 'pusher-js';
import type { Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { CutProxy } from './cut-proxy.ts';
import { type ClientUser, connectPusher, emitted } from './pusher-client.ts';
import { SignedApi } from './signed-api.ts';
import { startFanfare, type Target, targetAt } from './target.ts';
import { until } from './wait.ts';

/** A Fanfare, a network in front of it, and its HTTP API without that network. */
export interface Site {
  /** Through the network. */
  readonly target: Target;
  readonly network: CutProxy;
  readonly api: SignedApi;
  /** Past that network. */
  readonly origin: string;
  stop(): Promise<void>;
}

/** Asks for acknowledgements every second. */
export const QUICK = { ackIntervalSeconds: 1, checkpointSeconds: 1 };

export async function startSite(t: Test, settings: Partial<ConfigInput> = {}): Promise<Site> {
  const fanfare = await startFanfare(t, { resume: QUICK, ...settings });
  const network = await CutProxy.start(fanfare.port);
  t.teardown(() => network.close());
  const { appId: id, key, secret } = fanfare;
  const target = targetAt(`http://127.0.0.1:${network.port}`, { id, key, secret });
  return { target, network, api: new SignedApi(fanfare), origin: fanfare.origin, stop: fanfare.stop };
}

export interface Resumed {
  readonly recovered: boolean;
  readonly events?: number;
  readonly reason?: string;
}

type Pusher = Awaited<ReturnType<typeof connectPusher>>;

/** What one stock client hears on one channel, in order: events' data, and `fanfare:resumed`. */
export class Listener {
  readonly heard: unknown[] = [];
  readonly resumed: Resumed[] = [];

  constructor(pusher: Pusher, channel: string, event = 'news') {
    pusher.connection.bind('message', (message: { event: string; channel?: string; data: Resumed }) => {
      if (message.channel === channel && message.event === 'fanfare:resumed') this.resumed.push(message.data);
    });
    pusher.subscribe(channel).bind(event, (data: unknown) => this.heard.push(data));
  }

  async hears(count: number): Promise<unknown[]> {
    await until(() => this.heard.length >= count, `${count} events; there were ${JSON.stringify(this.heard)}`);
    return this.heard;
  }

  /** The so-manieth `fanfare:resumed`, counted from one. */
  async isResumed(count: number): Promise<Resumed> {
    await until(() => this.resumed.length >= count, `${count} times ${'fanfare:resumed'}`, 20_000);
    return this.resumed[count - 1] as Resumed;
  }
}

/** A stock client on a path that names a session. */
export async function connectResumable(
  t: Test,
  target: Target,
  options: Partial<Options> = {},
  user?: ClientUser,
): Promise<Pusher> {
  return await connectPusher(t, target, { wsPath: `/resume/${randomUUID()}`, ...options }, user);
}

/** Cuts all connections, and waits until the client has noticed and cannot come back. */
export async function goOffline({ network }: Site, pusher: Pusher): Promise<void> {
  network.isOffline = true;
  // pusher-js tries again at once and then every second.
  const left = new Promise<void>((resolve) => {
    pusher.connection.bind('state_change', ({ current }: { current: string }) => {
      if (current !== 'connected') resolve();
    });
  });
  network.cut();
  await left;
}

export async function goOnline({ network }: Site, pusher: Pusher): Promise<void> {
  network.isOffline = false;
  if (pusher.connection.state !== 'connected') await emitted(pusher.connection, 'connected', 8000);
}
