import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { type ConfigInput, configSchema } from '../../src/config/schema.ts';
import type { ReloadOutcome } from '../../src/core/contracts/reload.ts';
import { createServer, type ServerOptions } from '../../src/server.ts';

/** A running server of the Pusher protocol, and one app of it. */
export interface Target {
  /** `http://host:port`, without a path. */
  readonly origin: string;
  readonly wsOrigin: string;
  readonly appId: string;
  readonly key: string;
  readonly secret: string;
  /** How clients of the tests connect to it, by pusher-js's names; a WebSocket if it is not said. */
  readonly transport?: ClientTransport;
}

/** The transports of stock pusher-js. */
export const CLIENT_TRANSPORTS = ['ws', 'xhr_streaming', 'xhr_polling'] as const;
export type ClientTransport = (typeof CLIENT_TRANSPORTS)[number];

/** A Fanfare that a test has started, and may stop before its end. */
export interface StartedFanfare extends Target {
  readonly port: number;
  /** Where operators look inside, where the test has asked for it by `admin`. */
  readonly adminOrigin: string;
  /** Reloads with these settings in place of those of the same names. */
  reload(changes: Partial<ConfigInput>): Promise<ReloadOutcome>;
  stop(): Promise<void>;
}

/** The app that a started Fanfare has if a test names none. */
export const APP = { id: 'app-id', key: 'app-key', secret: 'app-secret' };

/** Verifies the tokens of a Fanfare whose authorization is on. */
export const JWT_SECRET = 'a-secret-of-the-tests-that-is-long-enough';

/** The authorization endpoint, with the rules that Fanfare ships. */
export const AUTH = {
  enabled: true,
  rulesFile: fileURLToPath(new URL('../../config/channels.js', import.meta.url)),
  jwt: { secret: JWT_SECRET },
};

/**
 * The server under test: the one that FANFARE_CONFORMANCE_URL names, with FANFARE_CONFORMANCE_APP_ID, _KEY and _SECRET,
 * or a Fanfare with default settings.
 */
export async function openTarget(t: Test): Promise<Target> {
  const {
    FANFARE_CONFORMANCE_URL: url,
    FANFARE_CONFORMANCE_APP_ID: appId = APP.id,
    FANFARE_CONFORMANCE_KEY: key = APP.key,
    FANFARE_CONFORMANCE_SECRET: secret = APP.secret,
  } = process.env;
  // A client without a close message is missed sooner than it would be in production.
  return url === undefined
    ? await startFanfare(t, { fallback: { gapSeconds: 1 } })
    : targetAt(new URL(url).origin, { id: appId, key, secret });
}

/**
 * Runs tests of what clients are promised once for each transport, against one server: those that
 * FANFARE_CONFORMANCE_TRANSPORTS names, such as `ws,xhr_polling`, or all.
 */
export async function overEachTransport(t: Test, run: (t: Test, target: Target) => Promise<void>): Promise<void> {
  const named = process.env.FANFARE_CONFORMANCE_TRANSPORTS?.split(',');
  const target = await openTarget(t);
  for (const transport of CLIENT_TRANSPORTS) {
    if (named?.includes(transport) === false) continue;
    await t.test(`over ${transport}`, (t) => run(t, { ...target, transport }));
  }
}

/** Starts a Fanfare with these settings on a free port of loopback; it stops with the test. */
export async function startFanfare(
  t: Test,
  settings: Partial<ConfigInput> = {},
  options: ServerOptions = {},
): Promise<StartedFanfare> {
  const configOf = (given: Partial<ConfigInput>) =>
    configSchema.parse({
      host: '127.0.0.1',
      port: 0,
      shutdownGraceSeconds: 0,
      auth: { enabled: false },
      admin: { enabled: false },
      ...given,
      apps: given.apps ?? [APP],
      log: { level: 'silent' },
    });
  const config = configOf(settings);
  let written = config;
  const server = createServer(config, { readConfig: () => written, ...options });
  const { port, admin } = await server.start();
  t.teardown(() => server.stop());
  const [app] = config.apps;
  if (app === undefined) throw new Error('a Fanfare needs an app');
  const target = targetAt(`${config.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`, app);
  const adminOrigin = admin === undefined ? 'off' : `http://127.0.0.1:${admin.port}`;
  return {
    ...{ ...target, port, adminOrigin },
    reload: async (changes) => {
      written = configOf({ ...settings, ...changes });
      return await server.reload();
    },
    stop: () => server.stop(),
  };
}

/** The same server seen through another of its apps. */
export function targetAt(origin: string, app: { id: string; key: string; secret: string }): Target {
  return { origin, wsOrigin: origin.replace(/^http/, 'ws'), appId: app.id, key: app.key, secret: app.secret };
}
