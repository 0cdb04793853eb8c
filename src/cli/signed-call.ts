import type { App } from '../core/contracts/app.ts';
import { hmacHex } from '../protocol/hmac.ts';
import { md5Hex, requestStringToSign } from '../protocol/signatures.ts';
import { callServer } from './call-server.ts';
import type { ServerUrl } from './server-url.ts';

const TIMEOUT_MS = 10_000;

export interface SignedCall {
  readonly method: 'GET' | 'POST';
  /** Below `/apps/{id}`, encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** How long the server may take; 10 s by default. */
  readonly timeoutMs?: number;
}

/** Calls the HTTP API as a backend does. Throws a CliFailure with what the server says. (HTTP API: authentication) */
export async function callSigned({ origin, pathPrefix }: ServerUrl, app: App, call: SignedCall): Promise<unknown> {
  const { method, body, timeoutMs = TIMEOUT_MS } = call;
  const path = `/apps/${encodeURIComponent(app.id)}${call.path}`;
  const query: [string, string][] = [
    ['auth_key', app.key],
    ['auth_timestamp', String(Math.floor(Date.now() / 1000))],
    ['auth_version', '1.0'],
    ...(body === undefined ? [] : [['body_md5', md5Hex(Buffer.from(body))] as [string, string]]),
    ...Object.entries(call.query ?? {}),
  ];
  query.sort(([a], [b]) => (a < b ? -1 : 1));
  const signature = hmacHex(app.secret, requestStringToSign(method, path, query));
  const parameters = new URLSearchParams([...query, ['auth_signature', signature]]);
  return await callServer(
    `${origin}${pathPrefix}${path}?${parameters}`,
    { method, ...(body === undefined ? {} : { headers: { 'Content-Type': 'application/json' }, body }) },
    timeoutMs,
  );
}
