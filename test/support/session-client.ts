import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import { unique } from './names.ts';
import { decoded, on, RawClient } from './raw-client.ts';
import { QUICK } from './resume.ts';
import { SignedApi } from './signed-api.ts';
import { startFanfare, type Target } from './target.ts';
import { until } from './wait.ts';

export const RESUMED = 'fanfare:resumed';

/** A client of one session that answers pings only if the test says so. */
export async function connectSession(t: Test, target: Target, token: string, autoPong = false) {
  const path = `/resume/${token}/app/${target.key}?protocol=7&client=js&version=8.6.0`;
  const client = await RawClient.connect(t, target, { path, autoPong });
  const pings: string[] = [];
  client.socket.on('ping', (payload) => pings.push(String(payload)));
  const ping = async (): Promise<string> => {
    const before = pings.length;
    await until(() => pings.length > before, 'a ping');
    return pings.at(-1) ?? '';
  };
  return {
    client,
    pings,
    /** Waits for the next ping, whose payload it gives. */
    ping,
    /** Answers the next ping; resolves once the server knows of it. */
    async acknowledge(): Promise<void> {
      client.socket.pong(await ping());
      await client.fence();
    },
    /** Subscribes; gives what `fanfare:resumed` says. */
    async join(channel: string): Promise<unknown> {
      await client.subscribe(channel);
      return decoded(await client.next(on(channel, RESUMED)));
    },
    /** Data of the events so far. */
    async events(channel: string): Promise<unknown[]> {
      await client.fence();
      return client.frames.filter(on(channel, 'news')).map(({ data }) => data);
    },
    async cut(): Promise<void> {
      client.cut();
      await client.closed;
    },
  };
}

/** A server, and clients that share one session. */
export async function setUpSession(t: Test, settings: Parameters<typeof startFanfare>[1] = {}) {
  const target = await startFanfare(t, { resume: QUICK, ...settings });
  const api = new SignedApi(target);
  const token = randomUUID();
  return {
    target,
    channel: unique('room-'),
    token,
    api,
    connect: (autoPong = false) => connectSession(t, target, token, autoPong),
  };
}

/** The same, and the first of those clients, which has joined the channel. */
export async function setUpJoined(t: Test, settings?: Parameters<typeof startFanfare>[1]) {
  const session = await setUpSession(t, settings);
  const { api, channel, connect } = session;
  const first = await connect();
  await first.join(channel);
  return {
    ...session,
    first,
    /** Sends an event, and waits until the first client has it. */
    async deliver(data: string): Promise<void> {
      await api.trigger(channel, 'news', data);
      await first.client.next(on(channel, 'news'));
    },
  };
}
