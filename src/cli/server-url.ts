import { isIPv6 } from 'node:net';
import type { Config } from '../config/schema.ts';
import { CliFailure } from './context.ts';

/** Where a running server is reached: its origin and the path in front of everything, without a slash at the end. */
export interface ServerUrl {
  readonly origin: string;
  readonly pathPrefix: string;
  readonly hostname: string;
  readonly port: number;
  readonly tls: boolean;
}

/** What `--url` says, or else this machine and what the configuration says. */
export function serverUrl(config: Config, written: string | undefined): ServerUrl {
  return parsed(written ?? localUrl(config, config.port));
}

/** The URL of a server on this machine. An address that stands for all of them is reached as localhost. */
export function localUrl(config: Config, port: number): string {
  const everywhere = config.host === '0.0.0.0' || config.host === '::';
  const host = everywhere ? 'localhost' : isIPv6(config.host) ? `[${config.host}]` : config.host;
  return `${config.tls === undefined ? 'http' : 'https'}://${host}:${port}${config.pathPrefix}`;
}

function parsed(written: string): ServerUrl {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new CliFailure(`${written} is not the URL of a server; it looks like http://localhost:6001`);
  }
  const tls = url.protocol === 'https:';
  return {
    origin: url.origin,
    pathPrefix: url.pathname.replace(/\/+$/, ''),
    hostname: url.hostname,
    port: url.port === '' ? (tls ? 443 : 80) : Number(url.port),
    tls,
  };
}

/** Why a request did not get through, from what `fetch` throws. */
export function unreachable(origin: string, error: unknown): CliFailure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  const hint =
    code === 'ECONNREFUSED' ? 'no server listens there; start one with fanfare serve, or name it with --url' : code;
  return new CliFailure(`Cannot reach ${origin}: ${hint}`);
}
