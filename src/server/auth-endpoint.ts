import {
  AUTH_PATHS,
  buildAuthServer,
  type ChannelRules,
  createExplain,
  createTokenCheck,
  createTokenVerifier,
  FailureBlocks,
  type IsRevoked,
  RuleTurns,
  rulesFrom,
} from '../auth/index.ts';
import type { Config } from '../config/schema.ts';
import { LoopTurns } from '../core/connection/loop-turns.ts';
import type { AppRegistry } from '../core/contracts/app.ts';
import type { Explain } from '../core/contracts/explanation.ts';
import type { HttpEndpoint } from '../core/contracts/http.ts';
import type { Logger } from '../core/contracts/logger.ts';
import type { Metrics } from '../core/contracts/metrics.ts';
import { isTokenRevoked, type Revocations } from '../core/contracts/revocations.ts';
import type { CheckToken } from '../core/contracts/token-check.ts';
import { ERROR_CODES } from '../protocol/error-codes.ts';
import { fastifyEndpoint } from '../transport/fastify-bridge.ts';
import type { HttpRoute } from '../transport/http-routes.ts';

export interface AuthEndpointDependencies {
  readonly apps: AppRegistry;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly revocations: Revocations;
  /** In place of those in `auth.rulesFile`. */
  readonly rules?: ChannelRules | undefined;
  /** Whether a refused authorization tells whoever asked why. */
  readonly explainRefusals: boolean;
}

interface Serving {
  readonly endpoint: HttpEndpoint;
  readonly explain: Explain;
  readonly checkToken: CheckToken;
  close(): Promise<void>;
}

const UNVERIFIED = { ...ERROR_CODES.unauthorized, message: 'Tokens are not verified here: auth.enabled is false' };

/** The endpoint has a smaller limit of its own, with a sentence of its own. */
const AUTH_BODY_BYTES = 64 * 1024;

/** Each takes some tenths of a millisecond, and strangers may ask. */
const MAX_AUTHORIZED_PER_TURN = 2;
const TURNS = new LoopTurns(MAX_AUTHORIZED_PER_TURN);

/**
 * The authorization endpoint, which a reload builds anew: requests that are under way end with the rules they began
 * with.
 */
export class AuthEndpoint {
  readonly #deps: AuthEndpointDependencies;
  readonly #turns: RuleTurns;
  readonly #failures: FailureBlocks;
  #serving: Serving | undefined;
  #hasLoaded = false;

  constructor(dependencies: AuthEndpointDependencies) {
    this.#deps = dependencies;
    this.#turns = new RuleTurns(dependencies.metrics);
    this.#failures = new FailureBlocks(dependencies.metrics);
  }

  /** Undefined if it is turned off. */
  get explain(): Explain | undefined {
    return this.#serving?.explain;
  }

  get route(): HttpRoute {
    const paths = new Set<string>([...AUTH_PATHS.channel, ...AUTH_PATHS.user]);
    return {
      matches: (path) => this.#serving !== undefined && paths.has(path),
      headers: 'all',
      maxBodyBytes: AUTH_BODY_BYTES,
      endpoint: async (request) => {
        await TURNS.take();
        return await (this.#serving?.endpoint(request) ?? { status: 404, body: 'Not found' });
      },
    };
  }

  /** For tokens in the query of connections. */
  readonly checkToken: CheckToken = async (asked) => {
    const serving = this.#serving;
    return serving === undefined ? UNVERIFIED : await serving.checkToken(asked);
  };

  /**
   * Makes ready to serve by a configuration. Rejects with a sentence if that cannot be done.
   *
   * @returns what has it serve so from now on, and resolves when the requests that were under way have ended
   */
  async prepare({ auth }: Config): Promise<() => Promise<void>> {
    const next = auth.enabled ? await this.#build(auth) : undefined;
    return async () => {
      const before = this.#serving;
      this.#serving = next;
      await before?.close();
    };
  }

  async close(): Promise<void> {
    await this.#serving?.close();
  }

  async #build(auth: Config['auth']): Promise<Serving> {
    const { apps, metrics, logger, explainRefusals, revocations } = this.#deps;
    const isRevoked: IsRevoked = (appId, token) => isTokenRevoked(revocations, appId, token);
    // A module is loaded once in a process: another version makes it load again.
    const version = this.#hasLoaded ? String(Date.now()) : '';
    this.#hasLoaded = true;
    const rules = await rulesFrom(this.#deps.rules ?? auth.rulesFile, version);
    const verifier = createTokenVerifier(auth.jwt, logger);
    const authority = { apps, settings: auth, verifier, rules, turns: this.#turns, isRevoked };
    const fastify = buildAuthServer({ ...authority, failures: this.#failures, explainRefusals, metrics, logger });
    await fastify.ready();
    return {
      endpoint: fastifyEndpoint(fastify),
      explain: createExplain(authority, auth.rulesFile),
      checkToken: createTokenCheck(authority, this.#failures, metrics, logger),
      close: () => fastify.close(),
    };
  }
}
