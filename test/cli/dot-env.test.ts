import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { dotEnv } from '../../src/cli/dot-env.ts';
import { scratchFolder } from '../support/cli.ts';

t.test('.env adds what is not set, in development alone', async (t) => {
  const folder = scratchFolder(t);
  t.strictSame(dotEnv(folder, {}), {}, 'there is none');
  writeFileSync(join(folder, '.env'), '# mine\nPUSHER_APP_KEY="a b"\nexport PORT=1\nJWT_SECRET=file\n');
  t.strictSame(dotEnv(folder, { JWT_SECRET: 'shell' }), { PUSHER_APP_KEY: 'a b', PORT: '1' });
  t.strictSame(dotEnv(folder, { JWT_SECRET: '' }), { PUSHER_APP_KEY: 'a b', PORT: '1' }, 'set to nothing is set');
  t.strictSame(dotEnv(folder, { NODE_ENV: 'production' }), {});
  mkdirSync(join(folder, 'odd/.env'), { recursive: true });
  t.throws(() => dotEnv(join(folder, 'odd'), {}), /EISDIR/, 'one that cannot be read is not passed over');
});
