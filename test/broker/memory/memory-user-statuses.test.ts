import t from 'tap';
import { MemoryUserStatuses } from '../../../src/broker/memory/memory-user-statuses.ts';

t.test('an app with very many users makes room of its own, and takes none of others', async (t) => {
  const statuses = new MemoryUserStatuses();
  await statuses.change('quiet', '42', { online: true, atMs: 1, factId: '1' });
  for (let n = 0; n < 100_010; n += 1) await statuses.change('loud', `${n}`, { online: true, atMs: 1, factId: `${n}` });
  const known = async (appId: string, userId: string) => (await statuses.read(appId, [userId]))[0] !== undefined;
  t.ok(await known('quiet', '42'));
  t.notOk(await known('loud', '0'));
  t.ok(await known('loud', '100009'));
});
