import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '../config/problems.ts';
import type { Config } from '../config/schema.ts';
import { takenOver, waitingForRestart } from '../config/settled.ts';
import type { App, ConfiguredApps } from '../core/contracts/app.ts';
import type { Logger } from '../core/contracts/logger.ts';
import type { Reload, ReloadOutcome } from '../core/contracts/reload.ts';
import type { Connections } from '../core/lifecycle/connections.ts';
import type { AuthEndpoint } from './auth-endpoint.ts';
import type { ConfigInForce } from './config-in-force.ts';
import { retention, webSocketSettings } from './settings.ts';

export interface ReloadDependencies {
  readonly inForce: ConfigInForce;
  readonly apps: ConfiguredApps;
  readonly auth: AuthEndpoint;
  readonly connections: Connections;
  /** Another configuration is in force: for those who do not ask for it each time. */
  readonly replaced: () => void;
  /** Reads the configuration anew; throws a ConfigError. */
  readonly read: () => Config;
  readonly logger: Logger;
}

/**
 * Takes a changed configuration over without dropping a connection. All of it is checked before any of it is in
 * force, so that a bad file changes nothing. Reloads that are asked for at once run one after another.
 */
export function createReload(dependencies: ReloadDependencies): Reload {
  let last: Promise<unknown> = Promise.resolve();
  const reload = async (): Promise<ReloadOutcome> => {
    const { inForce, apps, auth, connections, replaced, read, logger } = dependencies;
    let next: Config;
    let serveNext: () => Promise<void>;
    try {
      next = read();
      serveNext = await auth.prepare(next);
    } catch (error) {
      const problems = error instanceof ConfigError ? error.problems : [messageOf(error)];
      logger.error({ problems }, 'the configuration was not reloaded: the former one stays in force');
      return { problems, changes: [], needRestart: [] };
    }
    const { now, started } = inForce;
    const changes = [
      ...appChanges(now.apps, next.apps),
      ...takenOver(now, next).map((key) => `${key} has changed`),
      ...(next.auth.enabled ? [`the rules of ${next.auth.rulesFile} were read anew`] : []),
    ];
    // All of it in one step, so that nobody finds a part of the one and a part of the other.
    inForce.replace(next);
    const needRestart = [...waitingForRestart(started, next), ...beyondSockets(inForce, next)];
    apps.replace(next.apps);
    const formerEnded = serveNext();
    replaced();
    await Promise.all([connections.appsReplaced(), formerEnded]);
    logger.info({ changes, needRestart }, 'configuration reloaded');
    return { problems: [], changes, needRestart };
  };
  return async () => {
    const turn = last.then(reload);
    last = turn.catch((error: unknown) => dependencies.logger.error({ err: error }, 'a reload failed'));
    return await turn;
  };
}

function appChanges(before: readonly App[], after: readonly App[]): string[] {
  const old = new Map(before.map((app) => [app.id, app]));
  const changes: string[] = [];
  for (const app of after) {
    const known = old.get(app.id);
    old.delete(app.id);
    if (known === undefined) changes.push(`app ${app.id} is new`);
    else {
      const names = (Object.keys(app) as (keyof App)[]).filter((name) => !isDeepStrictEqual(app[name], known[name]));
      if (names.length > 0) changes.push(`app ${app.id} has another ${names.join(', ')}`);
    }
  }
  for (const id of old.keys()) changes.push(`app ${id} is gone`);
  return changes;
}

/** What is taken over as far as sockets let it be, which were settled when they were opened to the world. */
function beyondSockets({ started, now }: ConfigInForce, next: Config): string[] {
  const isMessageTooLarge = webSocketSettings(next).maxMessageBytes > webSocketSettings(started).maxMessageBytes;
  const isLogTooLarge = retention(next).log.maxBytes > retention(now).log.maxBytes;
  return [
    ...(isMessageTooLarge ? ['apps[].limits.maxEventBytes beyond the largest so far'] : []),
    ...(isLogTooLarge ? ['resume.maxBytesPerChannel beyond half of connections.maxBackpressureBytes'] : []),
  ];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
