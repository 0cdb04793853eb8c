import t from 'tap';
import { statusChannels } from '../../src/auth/status-channels.ts';
import { MAX_STATUS_CHANNELS } from '../../src/core/contracts/user-status.ts';

const of = (patterns: readonly string[], claims: Record<string, unknown>, maxLength = 200) =>
  statusChannels(patterns, { id: '42', claims, expiresAt: undefined }, maxLength);

t.test('a channel for each value of the claim, in their order', async (t) => {
  t.same(of(['private-domain.{domains}'], { domains: ['7', 8] }), ['private-domain.7', 'private-domain.8']);
  t.same(of(['private-domain.{domain}'], { domain: 'a-b_c' }), ['private-domain.a-b_c'], 'one that is no list');
  t.same(of(['private-{x}.tail'], { x: 1.5 }), ['private-1.5.tail'], 'a number, and what follows the braces');
  t.same(of(['private-user.{user_id}'], { user_id: 'forged' }), ['private-user.42'], 'the id that was verified');
  t.same(of(['private-b.{b}', 'private-a.{a}'], { a: [1], b: [2, 3] }), ['private-b.2', 'private-b.3', 'private-a.1']);
});

t.test('what several patterns or values come to is named once', async (t) => {
  t.same(of(['private-{a}', 'private-{b}'], { a: ['x', 'x'], b: ['x', 'y'] }), ['private-x', 'private-y']);
  t.same(of(['private-everyone'], {}), ['private-everyone'], 'one without a claim');
  t.same(of([], { a: 'x' }), []);
});

t.test('a claim that is missing or holds anything else gives none', async (t) => {
  t.same(of(['private-{a}'], {}), []);
  for (const value of [null, true, { id: 1 }, [[1]], [null, false, {}], '', [''], []]) {
    t.same(of(['private-domain.{a}', 'private-last'], { a: value }), ['private-last'], JSON.stringify(value));
  }
});

t.test('values that no channel can be called by give none, and a value is never a pattern', async (t) => {
  t.same(of(['private-{a}'], { a: ['with space', 'a/b', 'ü', 'line\nbreak', '{b}', 'fine'], b: 'x' }), [
    'private-fine',
  ]);
  t.same(of(['private-{a}'], { a: ['x'.repeat(12), 'x'.repeat(13)] }, 20), [`private-${'x'.repeat(12)}`]);
  t.same(of(['private-{a}.end'], { a: "$'" }), [], 'nor what a replacement would read');
  t.same(of(['private-{a}.end'], { a: '$&' }), []);
});

t.test('so many at most, whatever a token lists', async (t) => {
  const many = Array.from({ length: 10_000 }, (_, index) => index);
  const channels = of(['private-{a}', 'private-more.{a}'], { a: many });
  t.equal(channels.length, MAX_STATUS_CHANNELS);
  t.equal(channels.at(-1), `private-${MAX_STATUS_CHANNELS - 1}`);
});
