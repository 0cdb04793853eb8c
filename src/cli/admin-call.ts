import { isIPv6 } from 'node:net';
import type { Config } from '../config/schema.ts';
import { callServer } from './call-server.ts';
import { parseServerUrl } from './server-url.ts';

export const ADMIN_HELP = 'the admin port (default: this machine, at admin.port of the configuration or 9601)';

const DEFAULT_PORT = 9601;
const LIMIT_MS = 30_000;

/** Asks a running server's admin port, with the admin token of the configuration if there is one. */
export async function askAdmin<T>(config: Config, url: string | undefined, path: string, body: object): Promise<T> {
  const { origin, pathPrefix } = parseServerUrl(url ?? adminOrigin(config), ' (from --admin)', DEFAULT_PORT);
  const { token } = config.admin;
  const authorization = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const answer = await callServer(
    `${origin}${pathPrefix}${path}`,
    { method: 'POST', headers: { 'Content-Type': 'application/json', ...authorization }, body: JSON.stringify(body) },
    LIMIT_MS,
    '--admin',
  );
  return answer as T;
}

function adminOrigin({ admin }: Config): string {
  const { host } = admin;
  const everywhere = host === undefined || host === '0.0.0.0' || host === '::';
  return `http://${everywhere ? '127.0.0.1' : isIPv6(host) ? `[${host}]` : host}:${admin.port ?? DEFAULT_PORT}`;
}
