import type { Config } from './schema.ts';

/** What an app is called if nothing names one: published, so anyone may sign with it. Refused in production. */
export const DEVELOPMENT_APP = Object.freeze({ id: 'app-id', key: 'app-key', secret: 'app-secret' });

/** What user tokens are signed with if nothing else is set. Published as well, and refused in production. */
export const DEVELOPMENT_JWT_SECRET = 'fanfare-development-jwt-secret-never-for-production';

/** Whether anyone who knows the published credentials could use this server. */
export function usesDevelopmentCredentials({ apps, auth }: Config): boolean {
  return (
    apps.some((app) => app.secret === DEVELOPMENT_APP.secret) ||
    (auth.enabled && auth.jwt.secret === DEVELOPMENT_JWT_SECRET)
  );
}
