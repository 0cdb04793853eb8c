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

/**
 * @param whence where it was written, for the message of a CliFailure
 * @param usualPort for its example
 */
export function parseServerUrl(written: string, whence = '', usualPort = 6001): ServerUrl {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new CliFailure(
      `'${written}' is not the URL of a server${whence}; it looks like http://localhost:${usualPort}`,
    );
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

const NOBODY_LISTENS = 'no server listens there';

/** What the codes of `fetch` and of Node mean, in words. */
const NETWORK_ERRORS: Readonly<Record<string, string>> = Object.freeze({
  ECONNREFUSED: NOBODY_LISTENS,
  ECONNRESET: 'the connection was cut before it answered',
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
  ETIMEDOUT: 'it does not answer; is there a firewall in between?',
  EHOSTUNREACH: 'there is no way to that host from here',
  ENETUNREACH: 'there is no way to that network from here',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer; is there a firewall in between?',
  UND_ERR_SOCKET: 'the connection was cut before it answered',
  CERT_HAS_EXPIRED: 'its TLS certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its TLS certificate is signed by itself; NODE_EXTRA_CA_CERTS names a file to trust',
  SELF_SIGNED_CERT_IN_CHAIN: 'its TLS certificate comes from an authority unknown here; NODE_EXTRA_CA_CERTS names one',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its TLS certificate comes without the ones between it and its authority',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its TLS certificate is for another host name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS at that port; is it http rather than https?',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS at that port; is it http rather than https?',
  HPE_INVALID_CONSTANT: 'it does not speak HTTP at that port; is it https rather than http?',
  TimeoutError: 'it did not answer in time',
});

/** Why a request did not get through, from what `fetch` or a socket throws. */
export function networkErrorText(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
  return NETWORK_ERRORS[code] ?? `${cause.message} (${code})`;
}

/** @param flag names another server */
export function unreachable(origin: string, error: unknown, flag: '--url' | '--admin' = '--url'): CliFailure {
  const why = networkErrorText(error);
  const hint = why === NOBODY_LISTENS ? `; start one with fanfare serve, or name it with ${flag}` : '';
  return new CliFailure(`Cannot reach ${origin}: ${why}${hint}`, { cause: error });
}
