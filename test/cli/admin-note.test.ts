import t from 'tap';
import { adminNote } from '../../src/cli/admin-note.ts';
import { configSchema } from '../../src/config/schema.ts';

const withAdmin = (admin: object) => configSchema.parse({ apps: [{ id: 'i', key: 'k', secret: 's' }], admin });

t.test('production is told of an admin port without a token, and nobody else is told anything', async (t) => {
  t.match(adminNote(withAdmin({}), true), /only this machine itself may use \/metrics and the console.*ADMIN_TOKEN/);
  t.match(adminNote(withAdmin({ openMetrics: true }), true), /may use the console\. Set/);
  t.equal(adminNote(withAdmin({}), false), undefined, 'in development');
  t.equal(adminNote(withAdmin({ token: 'x'.repeat(24) }), true), undefined, 'with a token');
  t.equal(adminNote(withAdmin({ enabled: false }), true), undefined, 'without the port');
});
