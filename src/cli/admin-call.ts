import { isIPv6 } from 'node:net';
import type { Config } from '../config/schema.ts';
import { CliFailure } from './context.ts';
import { unreachable } from './server-url.ts';

export const ADMIN_HELP = 'the admin port (default: this machine, at admin.port of the configuration or 9601)';

const DEFAULT_PORT = 9601;
const LIMIT_MS = 30_000;

/** Asks a running server's admin port, with the admin token of the configuration if there is one. */
export async function askAdmin<T>(config: Config, url: string | undefined, path: string, body: object): Promise<T> {
  const origin = url?.replace(/\/+$/, '') ?? adminOrigin(config);
  const { token } = config.admin;
  let response: Response;
  try {
    response = await fetch(`${origin}${path}`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(LIMIT_MS),
    });
  } catch (error) {
    throw unreachable(origin, error);
  }
  const text = await response.text();
  if (response.ok) return JSON.parse(text) as T;
  throw new CliFailure(`The server answered ${response.status}: ${errorOf(text)}`);
}

function adminOrigin({ admin }: Config): string {
  const { host } = admin;
  const everywhere = host === undefined || host === '0.0.0.0' || host === '::';
  return `http://${everywhere ? '127.0.0.1' : isIPv6(host) ? `[${host}]` : host}:${admin.port ?? DEFAULT_PORT}`;
}

function errorOf(text: string): string {
  try {
    return (JSON.parse(text) as { error?: string }).error ?? text;
  } catch {
    return text.trim();
  }
}
