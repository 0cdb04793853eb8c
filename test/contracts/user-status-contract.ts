import type { Test } from 'tap';
import { hereAndThere, type StartCluster } from '../support/contract-cluster.ts';
import { unique } from '../support/names.ts';

/** What all stores of user statuses do. (core/contracts/user-status.ts) */
export async function userStatusContract(t: Test, startCluster: StartCluster): Promise<void> {
  const cluster = await startCluster();
  t.teardown(() => cluster.close());
  const { here, there } = hereAndThere(cluster);

  await t.test('a change is given to tell once, and again only to whoever repeats it', async (t) => {
    const app = unique('app');
    await here.statuses.remember(app, 'ann', ['private-a', 'private-b']);
    t.same(await there.statuses.read(app, ['ann', 'bob']), [undefined, undefined]);
    t.equal(await there.statuses.change(app, 'ann', { online: false, atMs: 1, factId: 'f0' }), undefined);
    const came = { online: true, atMs: 2, factId: 'f1' };
    t.same(await here.statuses.change(app, 'ann', came), ['private-a', 'private-b']);
    t.same(await there.statuses.change(app, 'ann', came), ['private-a', 'private-b'], 'by another node');
    t.equal(await there.statuses.change(app, 'ann', { ...came, factId: 'f2' }), undefined, 'nothing has changed');
    t.same(await there.statuses.read(app, ['bob', 'ann']), [undefined, { online: true, atMs: 2 }]);
    await there.statuses.remember(app, 'ann', ['private-c']);
    t.same(await here.statuses.change(app, 'ann', { online: false, atMs: 3, factId: 'f3' }), ['private-c']);
    t.same(await here.statuses.read(app, ['ann']), [{ online: false, atMs: 3 }]);
    t.same(await here.statuses.read(unique('app'), ['ann']), [undefined], 'of another app');
  });

  await t.test('what is published once arrives once', async (t) => {
    const topic = `${unique('app')}/a`;
    await there.broker.subscribe(topic);
    const message = { topic, frame: '{"event":"x"}', durable: true };
    const id = unique('fact');
    // Without nodes that share anything, a change that is repeated is the store's to notice.
    const repeated = cluster.nodes.length > 1 ? 2 : 1;
    for (let time = 0; time < repeated; time += 1) await here.broker.publish([{ ...message, onceId: id }]);
    await here.broker.publish([{ ...message, frame: '{"event":"last"}' }]);
    const arrived = () => there.delivered.filter((delivered) => delivered.topic === topic).map(({ frame }) => frame);
    while (!arrived().includes('{"event":"last"}')) await new Promise((resolve) => setTimeout(resolve, 10));
    t.same(arrived(), ['{"event":"x"}', '{"event":"last"}']);
  });
}
