import type { Config } from '../config/schema.ts';

/** What production is told of a port for operators that has no token, or undefined. */
export function adminNote({ admin }: Pick<Config, 'admin'>, production: boolean): string | undefined {
  if (!production || !admin.enabled || admin.token !== undefined) return undefined;
  const scraped = admin.openMetrics ? 'the console' : '/metrics and the console';
  return (
    `admin.token is not set, so only this machine itself may use ${scraped}. Set FANFARE_ADMIN_TOKEN ` +
    '(openssl rand -hex 24 prints one), or FANFARE_ADMIN_ENABLED=false to do without.'
  );
}
