import type { Test } from 'tap';
import { hereAndThere, type StartCluster } from '../support/contract-cluster.ts';
import { unique } from '../support/names.ts';
import { until } from '../support/wait.ts';

/** What all stores of revocations do. (core/contracts/revocations.ts) */
export async function revocationsContract(t: Test, startCluster: StartCluster): Promise<void> {
  const cluster = await startCluster();
  t.teardown(() => cluster.close());
  const { here, there } = hereAndThere(cluster);
  const later = () => Date.now() + 60_000;

  await t.test('what one node revokes, all refuse, and nothing else', async (t) => {
    const app = unique('app');
    const begun = Math.floor(Date.now() / 1000);
    await here.revocations.revoke(app, { tokenId: 'x' }, later());
    await here.revocations.revoke(app, { userId: 'ann' }, later());
    for (const revoked of [{ tokenId: 'x' }, { userId: 'ann' }]) {
      const at = await there.revocations.revokedAt(app, revoked);
      t.ok(at !== undefined && at >= begun && at <= begun + 2, String(at));
    }
    for (const other of [{ tokenId: 'ann' }, { userId: 'x' }, { userId: '' }]) {
      t.equal(await there.revocations.revokedAt(app, other), undefined);
    }
    t.equal(await there.revocations.revokedAt(unique('app'), { tokenId: 'x' }), undefined, 'of another app');
  });

  await t.test('it ends, and an earlier end changes nothing', async (t) => {
    const app = unique('app');
    await here.revocations.revoke(app, { tokenId: 'long' }, later());
    await here.revocations.revoke(app, { tokenId: 'long' }, Date.now() + 100);
    await here.revocations.revoke(app, { tokenId: 'short' }, Date.now() + 300);
    t.type(await there.revocations.revokedAt(app, { tokenId: 'short' }), 'number');
    await until(
      async () => (await there.revocations.revokedAt(app, { tokenId: 'short' })) === undefined,
      'the revocation ends',
    );
    t.type(await there.revocations.revokedAt(app, { tokenId: 'long' }), 'number');
    await here.revocations.revoke(app, { tokenId: 'past' }, Date.now() - 1000);
    t.equal(await there.revocations.revokedAt(app, { tokenId: 'past' }), undefined);
  });
}
