import { type LoadedConfig, type LoadOptions, loadConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problems.ts';

export interface Given extends Partial<Omit<LoadOptions, 'readFile' | 'cwd'>> {
  /** What `config/fanfare.json` holds; text as it is, anything else as JSON. */
  readonly file?: unknown;
  /** Other files by absolute path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Whether there are rules in their usual place. */
  readonly readRules?: boolean;
}

export const CWD = '/srv/app';

/** Loads from a file system that holds what is given, and the rules. */
export function load({ file, files, readRules = true, ...options }: Given = {}): LoadedConfig {
  const present: Record<string, string> = {
    ...(readRules ? { [`${CWD}/config/channels.js`]: 'export default { channels: {} };' } : {}),
    ...files,
  };
  if (file !== undefined)
    present[`${CWD}/config/fanfare.json`] = typeof file === 'string' ? file : JSON.stringify(file);
  return loadConfig({
    env: {},
    ...options,
    cwd: CWD,
    readFile: (path) => {
      const text = present[path];
      if (text === undefined) throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' });
      return text;
    },
  });
}

/** The problems of what cannot be loaded; none if it can. */
export function problemsOf(given: Given): readonly string[] {
  try {
    load(given);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/** What production wants at least, as environment. */
export const PRODUCTION = Object.freeze({
  NODE_ENV: 'production',
  PUSHER_APP_ID: 'chat',
  PUSHER_APP_KEY: 'chat-key',
  PUSHER_APP_SECRET: 'chat-secret',
  JWT_SECRET: 'a-jwt-secret-that-is-long-enough-for-production',
});
