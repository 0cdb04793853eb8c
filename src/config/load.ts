import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  appProblems,
  authProblems,
  developmentCredentials,
  type FileReader,
  fileProblems,
  redisProblems,
} from './checks.ts';
import { parseConfigFile, substituted } from './config-file.ts';
import { parsePath, pathText } from './describe.ts';
import { DEVELOPMENT_APP, DEVELOPMENT_JWT_SECRET } from './development.ts';
import { fromEnvironment, fromFlag, type Override } from './environment.ts';
import { fromText } from './from-text.ts';
import { deepFrozen } from './frozen.ts';
import { ConfigError, type Problem, schemaProblems } from './problems.ts';
import { type Config, configSchema } from './schema.ts';
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
  /** Whether the rules and the TLS files must be there, as to serve; true by default. A client needs neither. */
  readonly checkFiles?: boolean;
  /** The text of a file; throws as `readFileSync` does. */
  readonly readFile?: (path: string) => string;
}

export interface LoadedConfig {
  readonly config: Config;
  /** What works but should not stay so, a sentence each. */
  readonly warnings: readonly string[];
  /** The file that was read; undefined where there is none. */
  readonly file: string | undefined;
}

const DEFAULT_FILE = 'config/fanfare.json';

/**
 * Defaults < file < environment < flags, checked as a whole and frozen. Reads nothing of the process itself. Throws a
 * `ConfigError` with everything that is wrong; nothing falls back.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const { env, cwd } = options;
  const problems: string[] = [];
  const read = fileReader(options.readFile ?? ((path) => readFileSync(path, 'utf8')));
  const unset: Problem[] = [];
  const { tree, file } = readTree(options, read, problems, unset);
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
  const found = check(tree, { cwd, production, checkFiles: options.checkFiles ?? true, read });
  // What an unset variable left behind is not worth a second complaint.
  const besides = found.errors.filter(({ path }) => unset.every((hole) => pathText(hole.path) !== pathText(path)));
  problems.push(...unset.map(say), ...besides.map(say));
  if (problems.length > 0 || found.config === undefined) throw new ConfigError([...new Set(problems)]);
  return { config: deepFrozen(found.config), warnings: found.warnings.map(say), file };
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
}

function check(tree: Tree, { cwd, production, checkFiles, read }: Surroundings) {
  const errors: Problem[] = [];
  const warnings: Problem[] = [];
  const whole = configSchema.safeParse(tree);
  if (!whole.success) errors.push(...schemaProblems(whole.error.issues, tree));
  // Each section by itself, so that a mistake in one does not hide what is wrong in another.
  const { apps, auth, tls, redis } = configSchema.shape;
  const parts = {
    apps: apps.safeParse(tree.apps).data,
    auth: auth.safeParse(tree.auth).data,
    tls: tls.safeParse(tree.tls).data,
    redis: redis.safeParse(tree.redis).data,
  };
  if (parts.auth !== undefined) parts.auth.rulesFile = resolve(cwd, parts.auth.rulesFile);
  const keyFile = parts.auth === undefined ? [] : readPublicKey(parts.auth.jwt, cwd, read);
  for (const name of ['certFile', 'keyFile', 'caFile'] as const) {
    if (parts.tls?.[name] !== undefined) parts.tls[name] = resolve(cwd, parts.tls[name]);
  }
  // A key that cannot be read is not missing as well.
  const ofAuth = keyFile.length > 0 ? { errors: keyFile, warnings: [] } : authProblems(parts, production);
  errors.push(...(parts.apps === undefined ? [] : appProblems(parts.apps)), ...ofAuth.errors);
  errors.push(...(parts.redis === undefined ? [] : redisProblems(parts.redis)));
  if (checkFiles) errors.push(...fileProblems(parts, read));
  (production ? errors : warnings).push(...developmentCredentials(parts));
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
