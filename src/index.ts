/**
 * The package as a library: `import { createServer } from 'fanfare'`. What is exported here is kept stable; everything
 * else may change with any version.
 */
import type { ChannelRules } from './auth/index.ts';
import { isLoaded, type LoadedConfig, type LoadOptions, loadConfig as load } from './config/load.ts';
import type { Config, ConfigInput } from './config/schema.ts';
import { SHIPPED_RULES_FILE } from './config/shipped-rules.ts';
import { type FanfareServer, type ServerOptions, createServer as serverOf } from './server.ts';

export type {
  AskBackend,
  AskOptions,
  ChannelAnswer,
  ChannelContext,
  ChannelRule,
  ChannelRules,
  MemberInfo,
  UserAnswer,
  UserContext,
  UserDetails,
  UserRule,
  VerifiedUser,
} from './auth/index.ts';
export type { LoadedConfig, LoadOptions } from './config/load.ts';
export { ConfigError } from './config/problems.ts';
export type { Config, ConfigInput } from './config/schema.ts';
export type { FanfareServer } from './server.ts';

/** `logger`: a pino logger in place of JSON lines on stdout. `rules`: who may join which channel, in place of a file. */
export type CreateServerOptions = Pick<ServerOptions, 'logger' | 'rules'>;

/**
 * A server that is not started yet. What the configuration leaves out has its default, and in development so have the
 * credentials. Of the environment only `NODE_ENV` counts; `loadConfig` is what reads files and variables.
 *
 * Throws a `ConfigError` that lists everything that is wrong with the configuration.
 */
export function createServer(config: ConfigInput | Config = {}, options: CreateServerOptions = {}): FanfareServer {
  const { NODE_ENV } = process.env;
  const explainRefusals = NODE_ENV !== 'production';
  if (isLoaded(config)) return serverOf(config, { ...options, explainRefusals });
  const { config: complete } = load({
    env: { NODE_ENV },
    cwd: process.cwd(),
    input: config,
    fallbackRulesFile: options.rules !== undefined || explainRefusals ? SHIPPED_RULES_FILE : undefined,
  });
  return serverOf(complete, { ...options, explainRefusals });
}

/**
 * The configuration as `fanfare serve` reads it: defaults, then the file, then the environment. Throws a `ConfigError`
 * that lists everything that is wrong.
 *
 * @param options where to look, if not in this process's environment and working directory
 */
export function loadConfig(options: Partial<LoadOptions> = {}): LoadedConfig {
  const env = options.env ?? process.env;
  const fallbackRulesFile = env.NODE_ENV === 'production' ? undefined : SHIPPED_RULES_FILE;
  return load({ cwd: process.cwd(), fallbackRulesFile, ...options, env });
}

/** Returns the rules as they are: for the types in an editor. */
export function defineRules(rules: ChannelRules): ChannelRules {
  return rules;
}
