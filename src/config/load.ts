import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  appProblems,
  authProblems,
  developmentCredentials,
  developmentNotes,
  type FileReader,
  fileProblems,
  redisProblems,
  resumeProblems,
} from './checks.ts';
import { parseConfigFile, substituted } from './config-file.ts';
import { parsePath, pathText, settingAt } from './describe.ts';
import { DEVELOPMENT_APP, DEVELOPMENT_JWT_SECRET } from './development.ts';
import { fromEnvironment, fromFlag, type Override } from './environment.ts';
import { fromText } from './from-text.ts';
import { deepFrozen } from './frozen.ts';
import { ConfigError, type Problem, schemaProblems } from './problems.ts';
import { type Config, type ConfigInput, configSchema } from './schema.ts';
import { isTree, setAt, type Tree, valueAt } from './tree.ts';

/** A key and its value as a flag gives them. */
export interface FlagSetting {
  /** `connections.maxPerIp`, `apps[0].secret`. */
  readonly path: string;
  readonly value: string;
  /** `--port`: for messages. */
  readonly flag: string;
}

export interface LoadOptions {
  /** `NODE_ENV`, what sets keys, and what `${NAME}` in the file stands for. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative file names start here. */
  readonly cwd: string;
  /** The file that `--config` names. */
  readonly configFile?: string | undefined;
  readonly flags?: readonly FlagSetting[];
  /** A configuration in place of a file; none is looked for then. */
  readonly input?: ConfigInput;
  /** The rules to serve where no file is named and none stands in its usual place; without it that is an error. */
  readonly fallbackRulesFile?: string | undefined;
  /** Whether the rules and the TLS files must be there, as to serve; true by default. A client needs neither. */
  readonly checkFiles?: boolean;
  /** The text of a file; throws as `readFileSync` does. */
  readonly readFile?: (path: string) => string;
}

export interface LoadedConfig {
  readonly config: Config;
  /** What works but should not stay so, a sentence each. */
  readonly warnings: readonly string[];
  /** The file that was read; undefined if there is none. */
  readonly file: string | undefined;
  /** Where each key that was set comes from, by its path: the name of a file, a variable or a flag. */
  readonly sources: ReadonlyMap<string, string>;
}

const DEFAULT_FILE = 'config/fanfare.json';

/** Where rules are looked for; the second is for projects in which `.js` means CommonJS. */
const RULES_FILES = ['config/channels.js', 'config/channels.mjs'];

const loaded = new WeakSet<object>();

/** Whether a configuration has come out of `loadConfig`, and so is complete and checked. */
export function isLoaded(config: Config | ConfigInput): config is Config {
  return loaded.has(config);
}

/**
 * Defaults < file < environment < flags, checked as a whole and frozen. Reads nothing of the process itself. Throws a
 * `ConfigError` with everything that is wrong; nothing falls back.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const { env, cwd } = options;
  const problems: string[] = [];
  const read = fileReader(options.readFile ?? ((path) => readFileSync(path, 'utf8')));
  const unset: Problem[] = [];
  const { tree, file } =
    options.input === undefined
      ? readTree(options, read, problems, unset)
      : { tree: structuredClone(options.input) as Tree, file: undefined };
  const ofFile = file === undefined ? [] : settingPaths(tree);
  const overrides = [...fromEnvironment(env, problems), ...flagOverrides(options.flags ?? [], problems)];
  if (!Object.hasOwn(tree, 'apps')) tree.apps = [{ ...DEVELOPMENT_APP }];
  for (const override of overrides) apply(override, tree, problems);
  if (needsJwtSecret(tree)) setAt(tree, ['auth', 'jwt', 'secret'], DEVELOPMENT_JWT_SECRET);

  const sources = new Map(overrides.map(({ path, source }) => [pathText(path), source]));
  const say = ({ path, message }: Problem) => {
    // What is wrong with one item of a list comes from where the list does.
    const source = sources.get(pathText(path)) ?? sources.get(pathText(path.slice(0, -1)));
    const where = path.length === 0 ? '' : `${pathText(path)}: `;
    return `${where}${message}${source === undefined ? '' : ` (from ${source})`}`;
  };
  const production = env.NODE_ENV === 'production';
  const rulesFile = usualRulesFile(cwd, read) ?? options.fallbackRulesFile ?? resolve(cwd, RULES_FILES[0] ?? '');
  const found = check(tree, { cwd, production, checkFiles: options.checkFiles ?? true, read, rulesFile });
  // What an unset variable left behind is not worth a second complaint.
  const besides = found.errors.filter(({ path }) => unset.every((hole) => pathText(hole.path) !== pathText(path)));
  problems.push(...unset.map(say), ...besides.map(say));
  const warnings = found.warnings.map(say);
  if (problems.length > 0 || found.config === undefined) throw new ConfigError([...new Set(problems)], warnings);
  loaded.add(found.config);
  return {
    config: deepFrozen(found.config),
    warnings,
    file,
    sources: new Map([...ofFile.map((path) => [path, String(file)] as const), ...sources]),
  };
}

/** The paths of the settings that a tree holds. */
function settingPaths(value: unknown, path: readonly string[] = []): string[] {
  if (settingAt(path) !== undefined) return [pathText(path)];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => settingPaths(child, [...path, key]));
}

function usualRulesFile(cwd: string, read: FileReader): string | undefined {
  return RULES_FILES.map((name) => resolve(cwd, name)).find((file) => {
    const answer = read(file);
    return 'text' in answer || !answer.missing;
  });
}

function fileReader(readFile: (path: string) => string): FileReader {
  return (path) => {
    try {
      return { text: readFile(path) };
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
      const missing = code === 'ENOENT';
      return { missing, problem: missing ? `there is no file ${path}` : `the file ${path} cannot be read (${code})` };
    }
  };
}

function readTree(
  { env, cwd, configFile }: LoadOptions,
  read: FileReader,
  problems: string[],
  unset: Problem[],
): { tree: Tree; file: string | undefined } {
  const [name, source] =
    configFile !== undefined
      ? [configFile, '--config']
      : env.FANFARE_CONFIG
        ? [env.FANFARE_CONFIG, 'FANFARE_CONFIG']
        : [DEFAULT_FILE, undefined];
  const file = resolve(cwd, name);
  const answer = read(file);
  if ('problem' in answer) {
    // Only the file that nobody asked for may be absent.
    if (source !== undefined || !answer.missing) problems.push(`${source ?? DEFAULT_FILE}: ${answer.problem}`);
    return { tree: {}, file: undefined };
  }
  const parsed = parseConfigFile(answer.text);
  if (typeof parsed === 'string') {
    problems.push(`${file}: ${parsed}`);
    return { tree: {}, file };
  }
  return { tree: substituted(parsed, env, unset), file };
}

function flagOverrides(flags: readonly FlagSetting[], problems: string[]): Override[] {
  return flags.flatMap(({ path, value, flag }) => fromFlag(parsePath(path), value, flag, problems));
}

function apply({ path, setting, text, source }: Override, tree: Tree, problems: string[]): void {
  if (setAt(tree, path, fromText(text, setting.kind)) !== 'gap') return;
  // 'blocked' needs no word: what blocks is of a wrong type, and the schema says so.
  problems.push(`${pathText(path)}: skips an index; number the apps from 0 without a gap (from ${source})`);
}

/** Nothing says how tokens are verified, and something should. */
function needsJwtSecret(tree: Tree): boolean {
  if (valueAt(tree, ['auth', 'enabled']) === false) return false;
  const jwt = valueAt(tree, ['auth', 'jwt']) ?? {};
  if (!isTree(jwt)) return false;
  return ['secret', 'publicKey', 'publicKeyFile', 'jwksUrl'].every((name) => jwt[name] === undefined);
}

interface Surroundings {
  readonly cwd: string;
  readonly production: boolean;
  readonly checkFiles: boolean;
  readonly read: FileReader;
  /** The rules if the configuration names none. */
  readonly rulesFile: string;
}

function check(tree: Tree, { cwd, production, checkFiles, read, rulesFile }: Surroundings) {
  const errors: Problem[] = [];
  const warnings: Problem[] = [];
  const whole = configSchema.safeParse(tree);
  if (!whole.success) errors.push(...schemaProblems(whole.error.issues, tree));
  // Each section by itself, so that a mistake in one does not hide what is wrong in another.
  const { apps, auth, tls, redis, connections, resume } = configSchema.shape;
  const parts = {
    apps: apps.safeParse(tree.apps).data,
    auth: auth.safeParse(tree.auth).data,
    tls: tls.safeParse(tree.tls).data,
    redis: redis.safeParse(tree.redis).data,
    connections: connections.safeParse(tree.connections).data,
    resume: resume.safeParse(tree.resume).data,
  };
  const named = valueAt(tree, ['auth', 'rulesFile']) !== undefined;
  if (parts.auth !== undefined) parts.auth.rulesFile = named ? resolve(cwd, parts.auth.rulesFile) : rulesFile;
  const keyFile = parts.auth === undefined ? [] : readPublicKey(parts.auth.jwt, cwd, read);
  for (const name of ['certFile', 'keyFile', 'caFile'] as const) {
    if (parts.tls?.[name] !== undefined) parts.tls[name] = resolve(cwd, parts.tls[name]);
  }
  // A key that cannot be read is not missing as well.
  const ofAuth = keyFile.length > 0 ? { errors: keyFile, warnings: [] } : authProblems(parts, production);
  errors.push(...(parts.apps === undefined ? [] : appProblems(parts.apps)), ...ofAuth.errors);
  errors.push(...(parts.redis === undefined ? [] : redisProblems(parts.redis)), ...resumeProblems(parts));
  if (checkFiles) errors.push(...fileProblems(parts, read, named));
  const published = developmentCredentials(parts);
  if (production) errors.push(...published);
  else if (published.length > 0) warnings.push(...developmentNotes(published));
  warnings.push(...ofAuth.warnings);
  const config: Config | undefined =
    whole.success && parts.auth !== undefined ? { ...whole.data, auth: parts.auth, tls: parts.tls } : undefined;
  return { config, errors, warnings };
}

/** Puts the text of `publicKeyFile` where the key is expected, so that there is one place to look for it. */
function readPublicKey(
  jwt: { publicKey: string | undefined; publicKeyFile: string | undefined },
  cwd: string,
  read: FileReader,
): Problem[] {
  if (jwt.publicKeyFile === undefined) return [];
  const path = ['auth', 'jwt', 'publicKeyFile'];
  if (jwt.publicKey !== undefined) return [{ path, message: 'only one of publicKey and publicKeyFile may be set' }];
  jwt.publicKeyFile = resolve(cwd, jwt.publicKeyFile);
  const answer = read(jwt.publicKeyFile);
  if ('problem' in answer) return [{ path, message: answer.problem }];
  jwt.publicKey = answer.text;
  return [];
}
