import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { signDevelopmentToken } from '../../src/auth/index.ts';
import { md5, requestSignature } from '../../test/support/signing.ts';
import { APP, JWT_SECRET } from './bed.ts';

const SUBSCRIBERS = 10;
const EVERY_MS = 10;
/** What has not come by then never comes, as far as a person who waits is concerned. */
const LOST_AFTER_MS = 3000;
const CHANNEL = 'honest';
const AUTHORIZATIONS = 500;

/** Clients that come, join channels, leave some of them, and go, before anything is measured. */
const VISITORS = 150;
const VISITORS_AT_ONCE = 5;
const CHANNELS_OF_VISITOR = 20;
const VISIT_MS = 10_000;

export interface HonestFigures {
  readonly events: number;
  readonly p50Ms: number;
  /** From publishing to receipt; of what was lost, so long that it counts. */
  readonly p99Ms: number;
  /** Receipts that did not come. */
  readonly lost: number;
}

/** Ten clients and a backend that sends them an event every 10 ms, and notes when each was received. */
export class HonestTraffic {
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });
  readonly #clients: WebSocket[] = [];
  #sentAt: number[] = [];
  #latenciesMs: number[] = [];

  constructor(port: number) {
    this.#port = port;
  }

  async connect(): Promise<void> {
    for (let n = 0; n < SUBSCRIBERS; n += 1) {
      const client = new WebSocket(`ws://127.0.0.1:${this.#port}/app/${APP.key}?protocol=7`);
      client.on('error', () => undefined);
      const joined = new Promise<void>((resolve) => {
        client.on('message', (bytes) => {
          const frame = JSON.parse(String(bytes)) as { event: string; data?: string };
          if (frame.event === 'pusher:connection_established')
            client.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel: CHANNEL } }));
          if (frame.event === 'pusher_internal:subscription_succeeded') resolve();
          if (frame.event === 'e') this.#received(Number(frame.data));
        });
      });
      this.#clients.push(client);
      await joined;
    }
  }

  /**
   * A node has served many clients by the time that it is attacked: what the first ones of a kind cost, before the code
   * is compiled, is not the attack's doing.
   *
   * @param asksBackend its rules ask a backend: then so do those of honest clients
   */
  async warmUp(asksBackend: boolean): Promise<void> {
    await this.#authorize((n) => `private-user.${n}`);
    if (asksBackend) await this.#authorizeByBackend();
    let left = VISITORS;
    const one = async () => {
      while (left > 0) {
        left -= 1;
        await this.#visit();
      }
    };
    await Promise.all(Array.from({ length: VISITORS_AT_ONCE }, one));
  }

  async during(ms: number, until?: Promise<unknown>): Promise<HonestFigures> {
    this.#sentAt = [];
    this.#latenciesMs = [];
    const timer = setInterval(() => this.#publish(), EVERY_MS);
    await Promise.race([new Promise((resolve) => setTimeout(resolve, ms)), ...(until === undefined ? [] : [until])]);
    clearInterval(timer);
    const events = this.#sentAt.length;
    const deadline = performance.now() + LOST_AFTER_MS;
    while (this.#latenciesMs.length < events * SUBSCRIBERS && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const lost = events * SUBSCRIBERS - this.#latenciesMs.length;
    const all = [...this.#latenciesMs, ...new Array<number>(lost).fill(LOST_AFTER_MS)].sort((a, b) => a - b);
    const at = (share: number) => all[Math.min(all.length - 1, Math.floor(all.length * share))] ?? Number.NaN;
    return { events, p50Ms: at(0.5), p99Ms: at(0.99), lost };
  }

  close(): void {
    for (const client of this.#clients) client.terminate();
    this.#agent.destroy();
  }

  async #authorize(channel: (n: number) => string): Promise<void> {
    const token = await signDevelopmentToken({ secret: JWT_SECRET, user: '1' });
    for (let n = 0; n < AUTHORIZATIONS; n += 1) {
      const answer = await fetch(`http://127.0.0.1:${this.#port}/broadcasting/auth`, {
        method: 'POST',
        body: new URLSearchParams({ socket_id: '1234.5678', channel_name: channel(n) }),
        headers: { Authorization: `Bearer ${token}` },
      });
      await answer.text();
    }
  }

  async #authorizeByBackend(): Promise<void> {
    const backend = createServer((_, response) => response.end('{}')).listen(0, '127.0.0.1');
    await once(backend, 'listening');
    const { port } = backend.address() as AddressInfo;
    await this.#authorize(() => `private-twice.${port}`);
    backend.close();
    backend.closeAllConnections();
  }

  /** A client with a resume token, whose frames come in one packet as those of a page that has just opened do. */
  async #visit(): Promise<void> {
    const client = new WebSocket(`ws://127.0.0.1:${this.#port}/resume/${randomUUID()}/app/${APP.key}?protocol=7`);
    client.on('error', () => undefined);
    const say = (event: string, n: number) =>
      client.send(JSON.stringify({ event, data: { channel: `visited-${n % (CHANNELS_OF_VISITOR * 2)}` } }));
    const from = Math.floor(Math.random() * CHANNELS_OF_VISITOR);
    const channels = Array.from({ length: CHANNELS_OF_VISITOR }, (_, index) => from + index);
    let joined = 0;
    const allJoined = new Promise<void>((resolve) => {
      client.on('message', (bytes) => {
        const text = String(bytes);
        if (text.includes('pusher:connection_established')) for (const n of channels) say('pusher:subscribe', n);
        if (!text.includes('subscription_succeeded')) return;
        joined += 1;
        if (joined === CHANNELS_OF_VISITOR) resolve();
      });
    });
    await Promise.race([allJoined, delay(VISIT_MS)]);
    for (const n of channels.slice(CHANNELS_OF_VISITOR / 2)) say('pusher:unsubscribe', n);
    client.close();
  }

  #received(index: number): void {
    const sentAt = this.#sentAt[index];
    if (sentAt !== undefined) this.#latenciesMs.push(performance.now() - sentAt);
  }

  #publish(): void {
    const index = this.#sentAt.push(performance.now()) - 1;
    const body = JSON.stringify({ name: 'e', channels: [CHANNEL], data: String(index) });
    const path = `/apps/${APP.id}/events`;
    const query = {
      auth_key: APP.key,
      auth_timestamp: String(Math.floor(Date.now() / 1000)),
      auth_version: '1.0',
      body_md5: md5(body),
    };
    const auth_signature = requestSignature(APP.secret, 'POST', path, query);
    const signed = new URLSearchParams({ ...query, auth_signature });
    const headers = { 'Content-Length': Buffer.byteLength(body) };
    const options = { port: this.#port, host: '127.0.0.1', method: 'POST', path: `${path}?${signed}`, headers };
    request({ ...options, agent: this.#agent }, (response) => response.resume())
      // What is not accepted is not received either, and counts as lost.
      .on('error', () => undefined)
      .end(body);
  }
}
