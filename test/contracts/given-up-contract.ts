import type { Test } from 'tap';
import type { GivenUpBatch, GivenUpBounds, GivenUpStore } from '../../src/core/contracts/given-up.ts';
import { unique } from '../support/names.ts';
import { until } from '../support/wait.ts';

/** A node's end of a store, or two of them. */
export type OpenGivenUp = (bounds: GivenUpBounds) => readonly [here: GivenUpStore, there: GivenUpStore];

const ROOMY: GivenUpBounds = { maxBatches: 100, maxBytes: 1_000_000, maxAgeSeconds: 60 };

function batch(id: string, detail?: string): GivenUpBatch {
  const event = { id: `f-${id}`, kind: 'client_event' as const, channel: 'private-漢', userId: 'ü "7"' };
  return {
    ...{ id, atMs: 5, url: 'https://example.com/hooks', reason: 'the endpoint answered 500', events: [event] },
    ...{
      endpoint: 'abc',
      timeMs: 4,
      facts: [{ ...event, appId: 'shop', atMs: 3, bytes: 300, ...(detail && { detail }) }],
    },
  };
}

const idsOf = async (store: GivenUpStore, app: string) => (await store.list(app)).map(({ id }) => id);

/** What all stores of webhooks that were given up do. (core/contracts/given-up.ts) */
export async function givenUpContract(t: Test, open: OpenGivenUp): Promise<void> {
  await t.test('what one node keeps, all list and read as it was', async (t) => {
    const [here, there] = open(ROOMY);
    const app = unique('app');
    t.same(await there.list(app), []);
    t.equal(await there.read(app, 'a'), undefined);
    const kept = batch('a', '{"data":"a b \\n 漢字 👍🏽"}');
    t.equal(await here.keep(app, kept), 0);
    t.same(await there.read(app, 'a'), kept);
    const { id, atMs, url, reason, events } = kept;
    t.strictSame(await there.list(app), [{ id, atMs, url, reason, events }], 'without what only sending needs');
    t.same(await there.list(unique('app')), [], 'of another app');
    t.equal(await there.read(unique('app'), 'a'), undefined);
  });

  await t.test('the oldest stand first, one that is kept again is one, and what is removed has gone', async (t) => {
    const [here, there] = open(ROOMY);
    const app = unique('app');
    for (const id of ['a', 'b', 'c', 'a']) {
      await here.keep(app, batch(id));
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    t.same(await idsOf(there, app), ['b', 'c', 'a']);
    await there.remove(app, 'c');
    await there.remove(app, 'c');
    await there.remove(app, 'nothing');
    t.same(await idsOf(here, app), ['b', 'a']);
    t.equal(await here.read(app, 'c'), undefined);
  });

  await t.test('beyond a number or bytes the oldest are forgotten, and counted', async (t) => {
    const [few] = open({ ...ROOMY, maxBatches: 3 });
    const app = unique('app');
    const forgotten: number[] = [];
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      forgotten.push(await few.keep(app, batch(id)));
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    t.same(forgotten, [0, 0, 0, 1, 1]);
    t.same(await idsOf(few, app), ['c', 'd', 'e']);
    t.equal(await few.read(app, 'a'), undefined);

    const [small] = open({ ...ROOMY, maxBytes: 10_000 });
    const other = unique('app');
    for (const id of ['a', 'b', 'c']) {
      await small.keep(other, batch(id, 'x'.repeat(3500)));
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    t.same(await idsOf(small, other), ['b', 'c']);
    t.equal(await small.keep(other, batch('big', 'x'.repeat(9000))), 2);
    t.same(await idsOf(small, other), ['big']);
    t.equal(await small.keep(other, batch('bigger', 'x'.repeat(20_000))), 1, 'one that is too large itself');
    t.same(await idsOf(small, other), ['big'], 'makes no other go');
    t.equal(await small.keep(other, batch('big', 'x'.repeat(20_000))), 1, 'nor does one in place of one that was kept');
    t.same(await idsOf(small, other), []);
    t.equal(await small.keep(other, batch('again')), 0, 'whose bytes are free again');
    await small.remove(other, 'again');
    t.equal(await small.keep(other, batch('d', 'x'.repeat(8000))), 0, 'as are those of what was removed');
  });

  await t.test('what is too old has gone', async (t) => {
    const [here, there] = open({ ...ROOMY, maxAgeSeconds: 0.3 });
    const app = unique('app');
    await here.keep(app, batch('a'));
    t.same(await idsOf(there, app), ['a']);
    await until(async () => (await idsOf(there, app)).length === 0, 'it has gone');
    t.equal(await there.read(app, 'a'), undefined);
    t.equal(await here.keep(app, batch('b')), 0, 'that is not counted');
    t.same(await idsOf(there, app), ['b']);
  });
}
