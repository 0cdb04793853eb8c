import { type ConfigInput, configSchema } from '../../src/config/schema.ts';
import type { App, AppLimits } from '../../src/core/contracts/app.ts';

type AppInput = NonNullable<ConfigInput['apps']>[number];

/** An app with default settings but those given. */
export function app(settings: Partial<AppInput> = {}): App {
  const credentials = { id: 'app-id', key: 'app-key', secret: 'app-secret' };
  const [made] = configSchema.parse({ apps: [{ ...credentials, ...settings }], auth: { enabled: false } }).apps;
  if (made === undefined) throw new Error('the schema returned no app');
  return made;
}

/** The app of the protocol owner's published vectors. */
export const VECTOR_APP = { id: '3', key: '278d425bdf160c739803', secret: '7ad3773142a6692b25b8' };

/** That app, with client events allowed and what else is given. */
export function vectorApp(changes: Partial<Omit<App, 'limits'>> & { limits?: Partial<AppLimits> } = {}): App {
  const { limits, ...rest } = changes;
  const made = app({ ...VECTOR_APP, clientEvents: true });
  return { ...made, ...rest, limits: { ...made.limits, ...limits } };
}
