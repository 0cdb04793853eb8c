import { type ConfigInput, configSchema } from '../../src/config/schema.ts';
import type { App } from '../../src/core/contracts/app.ts';

type AppInput = NonNullable<ConfigInput['apps']>[number];

/** An app with default settings but those given. */
export function app(settings: Partial<AppInput> = {}): App {
  const credentials = { id: 'app-id', key: 'app-key', secret: 'app-secret' };
  const [made] = configSchema.parse({ apps: [{ ...credentials, ...settings }], auth: { enabled: false } }).apps;
  if (made === undefined) throw new Error('the schema returned no app');
  return made;
}
