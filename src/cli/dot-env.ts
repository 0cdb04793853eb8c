import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Production's variables come from whatever starts it. Whoever has an `.env` is told, if what it names is not set:
 * undefined if nothing is missing.
 */
export function unreadDotEnv(folder: string, env: Environment): string | undefined {
  if (env.NODE_ENV !== 'production') return undefined;
  try {
    if (Object.keys(dotEnv(folder, { ...env, NODE_ENV: '' })).length === 0) return undefined;
  } catch {
    // One that this user may not read belongs to somebody else.
    return undefined;
  }
  return 'Production does not read .env: set its variables where the server is started. In a shell: set -a; . ./.env; set +a';
}

/**
 * What the working folder's `.env` adds to an environment: nothing in production, whose variables come from whatever
 * starts it, and nothing that is set already. Rules see it too.
 */
export function dotEnv(folder: string, env: Environment): Readonly<Record<string, string>> {
  if (env.NODE_ENV === 'production') return {};
  let text: string;
  try {
    text = readFileSync(join(folder, '.env'), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw error;
  }
  const added = Object.entries(parseEnv(text)).filter(([name]) => env[name] === undefined);
  return Object.fromEntries(added.map(([name, value]) => [name, String(value)]));
}
