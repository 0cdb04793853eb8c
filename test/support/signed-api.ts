import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { md5, requestSignature } from './signing.ts';
import type { Target } from './target.ts';
import { within } from './wait.ts';

export interface ApiResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body decoded, or undefined if it is no JSON. */
  readonly json: unknown;
}

export interface ApiRequest {
  readonly method?: 'GET' | 'POST';
  /** What is signed, and what is sent if `sentPath` does not say otherwise. */
  readonly path: string;
  readonly sentPath?: string;
  /** Decoded parameters, signed; they are sent percent-encoded, in this order, after the auth ones. */
  readonly query?: Record<string, string>;
  readonly body?: string | Uint8Array;
  readonly headers?: Record<string, string>;
  readonly key?: string;
  readonly secret?: string;
  readonly timestamp?: number;
  readonly version?: string;
  /** Sent in place of the true one; `body_md5` is there by default if a body is. */
  readonly bodyMd5?: string | false;
  readonly signature?: string;
  /** Left out of what is sent. */
  readonly without?: readonly string[];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** One HTTP request, sent exactly as told: no rewriting of the path, a body on a GET if you wish. */
export async function send(
  origin: string,
  method: string,
  pathAndQuery: string,
  headers: Record<string, string> = {},
  body?: string | Uint8Array,
): Promise<ApiResponse> {
  const { protocol, hostname, port } = new URL(origin);
  const request = protocol === 'https:' ? httpsRequest : httpRequest;
  const answer = new Promise<ApiResponse>((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
    const outgoing = request(
      { hostname, port, method, path: pathAndQuery, headers: { ...length, ...headers }, rejectUnauthorized: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
  return await within(answer, `an answer to ${method} ${pathAndQuery.slice(0, 120)}`);
}

/** A backend that signs its requests as the official libraries do, and can be told to do it wrongly. */
export class SignedApi {
  readonly #target: Target;

  constructor(target: Target) {
    this.#target = target;
  }

  async request(call: ApiRequest): Promise<ApiResponse> {
    const { pathAndQuery, headers } = this.sign(call);
    return await send(this.#target.origin, call.method ?? 'GET', pathAndQuery, headers, call.body);
  }

  sign(call: ApiRequest): { pathAndQuery: string; headers: Record<string, string> } {
    const method = call.method ?? 'GET';
    const auth: Record<string, string> = {
      auth_key: call.key ?? this.#target.key,
      auth_timestamp: String(call.timestamp ?? Math.floor(Date.now() / 1000)),
      auth_version: call.version ?? '1.0',
    };
    if (call.bodyMd5 !== false && (call.body !== undefined || call.bodyMd5 !== undefined)) {
      auth.body_md5 = call.bodyMd5 ?? md5(call.body ?? '');
    }
    const params = { ...auth, ...call.query };
    const signature = requestSignature(call.secret ?? this.#target.secret, method, call.path, params);
    const sent = Object.entries({ ...params, auth_signature: call.signature ?? signature })
      .filter(([name]) => !call.without?.includes(name))
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    const type: Record<string, string> = call.body === undefined ? {} : { 'Content-Type': 'application/json' };
    return { pathAndQuery: `${call.sentPath ?? call.path}?${sent.join('&')}`, headers: { ...type, ...call.headers } };
  }

  /** A GET below `/apps/{id}`. */
  async get(path: string, query: Record<string, string> = {}): Promise<ApiResponse> {
    return await this.request({ path: `/apps/${this.#target.appId}${path}`, query });
  }

  /** A POST of JSON below `/apps/{id}`. */
  async post(path: string, body: unknown): Promise<ApiResponse> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return await this.request({ method: 'POST', path: `/apps/${this.#target.appId}${path}`, body: text });
  }

  /** Publishes one event; anything but a 200 is an error. */
  async trigger(channel: string, name: string, data: string, extra: Record<string, string> = {}): Promise<void> {
    const answer = await this.post('/events', { name, data, channels: [channel], ...extra });
    if (answer.status !== 200) throw new Error(`trigger on ${channel}: ${answer.status} ${answer.text}`);
  }
}
