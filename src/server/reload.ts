import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '../config/problems.ts';
import type { Config } from '../config/schema.ts';
import type { App, ConfiguredApps } from '../core/contracts/app.ts';
import type { Logger } from '../core/contracts/logger.ts';
import type { Reload, ReloadOutcome } from '../core/contracts/reload.ts';
import type { AuthEndpoint } from './auth-endpoint.ts';
import { webSocketSettings } from './settings.ts';

export interface ReloadDependencies {
  /** What is in force now. */
  readonly config: Config;
  readonly apps: ConfiguredApps;
  readonly auth: AuthEndpoint;
  /** Closes the connections of apps that have gone or are disabled. */
  readonly appsReplaced: () => Promise<void>;
  /** Reads the configuration anew; throws a ConfigError. */
  readonly read: () => Config;
  readonly logger: Logger;
}

/** What a running server takes over: the apps with all that they may, and how channels are authorized. */
const RELOADED = new Set<string>(['apps', 'auth']);

/**
 * Takes a changed configuration over without dropping a connection. All of it is checked before any of it is in
 * force, so that a bad file changes nothing. Reloads that are asked for at once run one after another.
 */
export function createReload(dependencies: ReloadDependencies): Reload {
  let inForce = dependencies.config;
  let last: Promise<unknown> = Promise.resolve();
  const reload = async (): Promise<ReloadOutcome> => {
    const { apps, auth, appsReplaced, read, logger } = dependencies;
    let next: Config;
    try {
      next = read();
      await auth.use(next);
    } catch (error) {
      const problems = error instanceof ConfigError ? error.problems : [messageOf(error)];
      logger.error({ problems }, 'the configuration was not reloaded: the former one stays in force');
      return { problems, changes: [], needRestart: [] };
    }
    const changes = [...appChanges(inForce.apps, next.apps), ...authChanges(inForce, next)];
    const needRestart = waiting(dependencies.config, next);
    apps.replace(next.apps);
    inForce = next;
    await appsReplaced();
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

/** The rules' file is read in any case; what is in it is the team's own. */
function authChanges({ auth: before }: Config, { auth: after }: Config): string[] {
  if (!after.enabled) return before.enabled ? ['nothing is authorized any more'] : [];
  const settings = isDeepStrictEqual(before, after) ? [] : ['the settings of auth have changed'];
  return [...settings, `the rules of ${after.rulesFile} were read anew`];
}

/** Keys whose values differ from those that the server was started with, and cannot change while it runs. */
function waiting(started: Config, next: Config): string[] {
  const keys = (Object.keys(next) as (keyof Config)[]).filter((key) => !RELOADED.has(key));
  const changed: string[] = keys.filter((key) => !isDeepStrictEqual(started[key], next[key]));
  if (started.auth.closeOnTokenExpiry !== next.auth.closeOnTokenExpiry) changed.push('auth.closeOnTokenExpiry');
  // The largest message that sockets take was settled when they were opened to the world.
  if (webSocketSettings(next).maxMessageBytes > webSocketSettings(started).maxMessageBytes) {
    changed.push('apps[].limits.maxEventBytes beyond the largest so far');
  }
  return changed;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
