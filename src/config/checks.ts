import { createSecureContext } from 'node:tls';
import { jwtProblems } from '../auth/settings.ts';
import { parseRedisUrl } from '../broker/redis/wire/url.ts';
import { pathText } from './describe.ts';
import { DEVELOPMENT_APP, DEVELOPMENT_JWT_SECRET } from './development.ts';
import { howToSet, type Problem } from './problems.ts';
import type { Config } from './schema.ts';
import { sizeText } from './setting.ts';

/** What the schema cannot say: rules between keys. Each part is absent if the schema has something against it. */
export interface Parts {
  readonly apps: Config['apps'] | undefined;
  readonly auth: Config['auth'] | undefined;
  readonly tls: Config['tls'] | undefined;
  readonly redis: Config['redis'] | undefined;
  readonly connections: Config['connections'] | undefined;
  readonly resume: Config['resume'] | undefined;
}

/** Reads a file, or says why it cannot be read. */
export type FileReader = (
  path: string,
) => { readonly text: string } | { readonly problem: string; readonly missing: boolean };

export function appProblems(apps: Config['apps']): Problem[] {
  return apps.flatMap((app, index) =>
    (['id', 'key'] as const).flatMap((name) => {
      const first = apps.findIndex((other) => other[name] === app[name]);
      if (first === index) return [];
      return [
        { path: ['apps', index, name], message: `is the ${name} of apps[${first}] as well; each app needs its own` },
      ];
    }),
  );
}

export function authProblems({ apps, auth }: Parts, production: boolean): { errors: Problem[]; warnings: Problem[] } {
  const errors: Problem[] = [];
  const warnings: Problem[] = [];
  if (auth === undefined) return { errors, warnings };
  if (auth.appId !== undefined && apps?.every((app) => app.id !== auth.appId)) {
    errors.push({ path: ['auth', 'appId'], message: 'is not the id of an app' });
  }
  if (!auth.enabled) {
    const index = apps?.findIndex(({ tokenInQuery }) => tokenInQuery) ?? -1;
    if (index >= 0)
      errors.push({ path: ['apps', index, 'tokenInQuery'], message: 'needs auth.enabled: it verifies tokens' });
    return { errors, warnings };
  }
  for (const { path, severity, message } of jwtProblems(auth.jwt, production)) {
    const key = path === 'publicKey' && auth.jwt.publicKeyFile !== undefined ? 'publicKeyFile' : path;
    (severity === 'error' ? errors : warnings).push({ path: ['auth', 'jwt', ...(key === '' ? [] : [key])], message });
  }
  return { errors, warnings };
}

/** The published development credentials that are in use, an error each in production. */
export function developmentCredentials({ apps, auth }: Parts): Problem[] {
  const names = ['id', 'key', 'secret'] as const;
  const found = (apps ?? []).flatMap((app, index) =>
    names.filter((name) => app[name] === DEVELOPMENT_APP[name]).map((name) => ['apps', index, name]),
  );
  const problems = found.map((path) => ({
    path,
    message: `is the published development ${path.at(-1)}, not for production; ${howToSet(path)}`,
  }));
  if (auth?.enabled !== true || auth.jwt.secret !== DEVELOPMENT_JWT_SECRET) return problems;
  const path = ['auth', 'jwt', 'secret'];
  const instead = 'or set auth.jwt.publicKey (JWT_PUBLIC_KEY) or auth.jwt.jwksUrl (JWT_JWKS_URL) instead';
  const message = `is the published development secret, not for production; ${howToSet(path)}, ${instead}`;
  return [...problems, { path, message }];
}

/** The same for development: two lines, since nothing is wrong yet. */
export function developmentNotes(published: readonly Problem[]): Problem[] {
  const keys = published.map(({ path }) => pathText(path)).join(', ');
  return [
    { path: [], message: `Development credentials, which everybody knows: ${keys}.` },
    { path: [], message: 'Production refuses them; "npx fanfare init" writes credentials of your own.' },
  ];
}

export function redisProblems(redis: Config['redis']): Problem[] {
  if (redis.url === undefined) return [];
  try {
    parseRedisUrl(redis.url);
    return [];
  } catch (error) {
    return [{ path: ['redis', 'url'], message: error instanceof Error ? error.message : 'cannot be read' }];
  }
}

/** A replay must fit into what may wait for a client, beside what is sent to it meanwhile: half of that. */
export const REPLAY_SHARE = 1 / 2;

export function resumeProblems({ connections, resume }: Parts): Problem[] {
  if (resume === undefined) return [];
  const problems: Problem[] = [];
  const { maxBytesPerChannel, sessionSeconds, windowSeconds } = resume;
  const waitingBytes = connections?.maxBackpressureBytes ?? Number.POSITIVE_INFINITY;
  const mostBytes = Math.floor(waitingBytes * REPLAY_SHARE);
  if (maxBytesPerChannel > mostBytes) {
    const message =
      `is ${sizeText(maxBytesPerChannel)}; with connections.maxBackpressureBytes at ${sizeText(waitingBytes)} ` +
      `it may be ${sizeText(mostBytes)} at most, ` +
      'or a client that resumes is closed as too slow';
    problems.push({ path: ['resume', 'maxBytesPerChannel'], message });
  }
  if (sessionSeconds < windowSeconds) {
    const message =
      `must not be less than resume.windowSeconds (${windowSeconds}), ` +
      'or nothing is known any more of a client that is back in time';
    problems.push({ path: ['resume', 'sessionSeconds'], message });
  }
  return problems;
}

/** Whether the files that the configuration names are there, and whether certificate and key belong together. */
export function fileProblems({ auth, tls }: Parts, read: FileReader, rulesNamed: boolean): Problem[] {
  const problems: Problem[] = [];
  const textOf = (path: readonly string[], file: string | undefined): string | undefined => {
    if (file === undefined) return undefined;
    const answer = read(file);
    if ('text' in answer) return answer.text;
    problems.push({ path, message: answer.problem });
    return undefined;
  };
  if (auth?.enabled === true) {
    const rules = read(auth.rulesFile);
    const hint = rulesNamed ? '' : '; npx fanfare init writes rules to start from';
    if ('problem' in rules) problems.push({ path: ['auth', 'rulesFile'], message: rules.problem + hint });
  }
  if (tls === undefined) return problems;
  const cert = textOf(['tls', 'certFile'], tls.certFile);
  const key = textOf(['tls', 'keyFile'], tls.keyFile);
  const ca = textOf(['tls', 'caFile'], tls.caFile);
  if (problems.some(({ path }) => path[0] === 'tls') || cert === undefined || key === undefined) return problems;
  try {
    createSecureContext({ cert, key, ca, passphrase: tls.passphrase });
  } catch (cause) {
    // OpenSSL's codes name what is wrong (ERR_OSSL_X509_KEY_VALUES_MISMATCH, …) and quote nothing of the files.
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    problems.push({
      path: ['tls'],
      message: `certFile, keyFile, caFile and passphrase do not make a TLS server (${code})`,
    });
  }
  return problems;
}
