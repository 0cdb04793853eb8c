import { Agent, request } from 'node:http';
import { md5, requestSignature } from '../../test/support/signing.ts';
import { CHAOS_APP } from './client.ts';

/** In place of a status: the request failed, or was given up after ten seconds. */
export const NO_ANSWER = 0;
const TIMEOUT_MS = 10_000;

/** Triggers numbered events, signed as the official libraries sign. */
export class Backend {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  /** Resolves with the status of the answer, or with NO_ANSWER. */
  async trigger(host: string, port: number, channel: string, number: number): Promise<number> {
    const path = `/apps/${CHAOS_APP.id}/events`;
    const body = JSON.stringify({ name: 'number', channels: [channel], data: String(number) });
    const params = {
      auth_key: CHAOS_APP.key,
      auth_timestamp: String(Math.floor(Date.now() / 1000)),
      auth_version: '1.0',
      body_md5: md5(body),
    };
    const query = new URLSearchParams({
      ...params,
      auth_signature: requestSignature(CHAOS_APP.secret, 'POST', path, params),
    });
    return await new Promise((resolve) => {
      const sent = request(
        {
          host,
          port,
          method: 'POST',
          path: `${path}?${query}`,
          agent: this.#agent,
          headers: { 'Content-Type': 'application/json' },
          timeout: TIMEOUT_MS,
        },
        (answer) => {
          answer.resume();
          answer.once('end', () => resolve(answer.statusCode ?? NO_ANSWER));
          answer.once('error', () => resolve(NO_ANSWER));
        },
      );
      sent.once('timeout', () => sent.destroy());
      // A node that is away, or just being restarted.
      sent.once('error', () => resolve(NO_ANSWER));
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
