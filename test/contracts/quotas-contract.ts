import type { Test } from 'tap';
import type { App, AppLimits } from '../../src/core/contracts/app.ts';
import { hereAndThere, type StartCluster } from '../support/contract-cluster.ts';
import { unique } from '../support/names.ts';
import { app as testApp } from '../support/unit-app.ts';
import { until } from '../support/wait.ts';

function appWith(limits: Partial<AppLimits>): App {
  return testApp({ id: unique('app'), limits });
}

/** The counts are of seconds of the clock: what must fall into one begins early in it. */
async function earlyInASecond(): Promise<void> {
  await until(() => Date.now() % 1000 < 150, 'a second begins');
}

/** What all quotas do. (core/contracts/quotas.ts) */
export async function quotasContract(t: Test, startCluster: StartCluster): Promise<void> {
  const cluster = await startCluster();
  t.teardown(() => cluster.close());
  const { here, there } = hereAndThere(cluster);

  await t.test('connections of all nodes together fill the places', async (t) => {
    const app = appWith({ maxConnections: 3 });
    t.equal(await here.quotas.connect(app, '1.1'), true);
    t.equal(await there.quotas.connect(app, '2.1'), true);
    t.equal(await here.quotas.connect(app, '1.2'), true);
    t.equal(await there.quotas.connect(app, '2.2'), false);
    t.equal(await here.quotas.connect(app, '1.3'), false);
    t.equal(await here.quotas.connect(app, '1.1'), true, 'a connection takes one place');
    await here.quotas.disconnect(app, 'unknown');
    t.equal(await there.quotas.connect(app, '2.2'), false);
    await here.quotas.disconnect(app, '1.1');
    await until(() => there.quotas.connect(app, '2.2'), 'the place is free');
    t.equal(await here.quotas.connect(app, '1.4'), false);
  });

  await t.test('of connections that come together, as many as fit are let in', async (t) => {
    const app = appWith({ maxConnections: 25 });
    const all = await Promise.all(
      Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? here : there).quotas.connect(app, `9.${index}`)),
    );
    t.equal(all.filter((taken) => taken).length, 25);
  });

  await t.test('apps are counted apart, and 0 is no limit', async (t) => {
    const [one, other, open] = [
      appWith({ maxConnections: 1 }),
      appWith({ maxConnections: 1 }),
      appWith({ maxConnections: 0 }),
    ];
    t.equal(await here.quotas.connect(one, '1.1'), true);
    t.equal(await here.quotas.connect(other, '1.2'), true);
    for (let index = 0; index < 20; index += 1) t.equal(await here.quotas.connect(open, `3.${index}`), true);
  });

  await t.test('no more requests pass in a second than the limit', async (t) => {
    for (const limit of [5, 100]) {
      const app = appWith({ triggersPerSecond: limit, readsPerSecond: 3 });
      await earlyInASecond();
      let passed = 0;
      await Promise.all(
        [here, there].map(async ({ quotas }) => {
          for (let index = 0; index < limit; index += 1) {
            const seconds = await quotas.take(app, 'triggers', 1);
            if (seconds === 0) passed += 1;
            else t.ok(seconds <= 1, 'a second is the longest to wait');
          }
        }),
      );
      t.ok(passed <= limit, `${passed} of ${limit}`);
      t.ok(passed >= limit * 0.7, `${passed} of ${limit}: not much is lost to nodes that did not use it`);
      t.equal(await here.quotas.take(app, 'reads', 1), 0, 'kinds are counted apart');
      await until(async () => (await here.quotas.take(app, 'triggers', 1)) === 0, 'the next second has its own');
    }
  });

  await t.test('a batch counts each of its events, and one above the limit passes alone in its second', async (t) => {
    const app = appWith({ triggersPerSecond: 10, readsPerSecond: 0 });
    await earlyInASecond();
    t.equal(await here.quotas.take(app, 'triggers', 20), 0);
    t.equal(await there.quotas.take(app, 'triggers', 1), 1);
    t.equal(await here.quotas.take(app, 'triggers', 1), 1);
    t.equal(await here.quotas.take(app, 'reads', 1000), 0, 'no limit');
  });
}
