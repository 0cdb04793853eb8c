import type { HttpResponse } from '../core/contracts/http.ts';
import type { Logger } from '../core/contracts/logger.ts';
import { isAppPath } from '../core/lifecycle/handshake.ts';
import { loggablePath } from '../core/lifecycle/resume-token.ts';
import { printable } from '../protocol/channel-name.ts';
import type { HttpRoute } from './http-routes.ts';

const SENTENCE =
  'This path takes WebSockets, and the request came without "Upgrade: websocket". If a client sent one, a proxy on the way has ' +
  'dropped it: it must pass on the headers Upgrade and Connection, and speak HTTP/1.1 to the server';

/** Answers a WebSocket request whose `Upgrade` is missing, which is what most proxies do to it unless they are told. */
export class MissingUpgrade {
  readonly #logger: Logger;
  #isLogged = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Logged once: every client behind such a proxy comes again and again. */
  answer(path: string): HttpResponse {
    if (!this.#isLogged) this.#logger.warn({ path: printable(loggablePath(path)) }, SENTENCE);
    this.#isLogged = true;
    const headers: [string, string][] = [
      ['Upgrade', 'websocket'],
      ['Connection', 'Upgrade'],
    ];
    return { status: 426, body: SENTENCE, headers };
  }
}

/** The paths of WebSockets, for requests that are none. */
export function missingUpgradeRoute(missingUpgrade: MissingUpgrade): HttpRoute {
  return {
    matches: isAppPath,
    headers: [],
    maxBodyBytes: 0,
    endpoint: async ({ fullPath }) => missingUpgrade.answer(fullPath),
  };
}
