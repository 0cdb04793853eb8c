import { isIPv6 } from 'node:net';
import type { Config } from '../config/schema.ts';
import { type CliContext, CliFailure } from './context.ts';

export const URL_HELP = 'the server (default: FANFARE_URL, or this machine at the port of the configuration)';

const ANSWER_LIMIT_MS = 5000;

/** Where a running server is reached: its origin and the path in front of everything, without a slash at the end. */
export interface ServerUrl {
  readonly origin: string;
  readonly pathPrefix: string;
  readonly hostname: string;
  readonly port: number;
  readonly tls: boolean;
}

/** What `--url` says, or `FANFARE_URL`, or else this machine and what the configuration says. */
export function chosenServer(context: CliContext, config: Config, flag: string | undefined): ServerUrl {
  const fromEnvironment = context.env.FANFARE_URL;
  if (flag !== undefined) return parseServerUrl(flag);
  if (fromEnvironment) return parseServerUrl(fromEnvironment, ' (from FANFARE_URL)');
  return parseServerUrl(localUrl(config, config.port));
}

/** The URL of a server on this machine. An address that stands for all of them is reached as localhost. */
export function localUrl(config: Config, port: number): string {
  const everywhere = config.host === '0.0.0.0' || config.host === '::';
  const host = everywhere ? 'localhost' : isIPv6(config.host) ? `[${config.host}]` : config.host;
  return `${config.tls === undefined ? 'http' : 'https'}://${host}:${port}${config.pathPrefix}`;
}

/** @param whence where it was written, for the message of a CliFailure */
export function parseServerUrl(written: string, whence = ''): ServerUrl {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new CliFailure(`'${written}' is not the URL of a server${whence}; it looks like http://localhost:6001`);
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

/** Rejects with a CliFailure where no HTTP server answers. */
export async function mustAnswer({ origin, pathPrefix }: ServerUrl): Promise<void> {
  try {
    const response = await fetch(`${origin}${pathPrefix}/`, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    await response.body?.cancel();
  } catch (error) {
    throw unreachable(origin, error);
  }
}

/** Why a request did not get through, from what `fetch` throws. */
export function unreachable(origin: string, error: unknown): CliFailure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  const hint =
    code === 'ECONNREFUSED' ? 'no server listens there; start one with fanfare serve, or name it with --url' : code;
  return new CliFailure(`Cannot reach ${origin}: ${hint}`);
}
