import { Agent, request } from 'node:http';
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
   * A node has authorized many clients by the time that it is attacked: what a first request costs is not the attack's
   * doing.
   */
  async warmUp(): Promise<void> {
    const token = await signDevelopmentToken({ secret: JWT_SECRET, user: '1' });
    for (let n = 0; n < AUTHORIZATIONS; n += 1) {
      const answer = await fetch(`http://127.0.0.1:${this.#port}/broadcasting/auth`, {
        method: 'POST',
        body: new URLSearchParams({ socket_id: '1234.5678', channel_name: `private-user.${n}` }),
        headers: { Authorization: `Bearer ${token}` },
      });
      await answer.text();
    }
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
