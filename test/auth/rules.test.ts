import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { compilePattern } from '../../src/auth/channel-pattern.ts';
import { type ChannelRule, loadRules, RuleBook } from '../../src/auth/index.ts';
import { harness, refusalLine, token } from '../support/auth.ts';

const yes: ChannelRule = () => true;

function book(...patterns: string[]): RuleBook {
  return new RuleBook({ channels: Object.fromEntries(patterns.map((pattern) => [pattern, yes])) });
}

t.test('a parameter is one dot-free segment; the rest is literal', async (t) => {
  const cases: ReadonlyArray<readonly [string, string, Record<string, string> | undefined]> = [
    ['domain.{domainId}', 'domain.7', { domainId: '7' }],
    ['domain.{domainId}', 'domain.', undefined],
    ['domain.{domainId}', 'domain.7.8', undefined],
    ['domain.{domainId}', 'domainX7', undefined],
    ['domain.{domainId}', 'xdomain.7', undefined],
    ['domain.{domainId}', 'Domain.7', undefined],
    ['{room}', 'lobby', { room: 'lobby' }],
    ['lobby', 'lobby', {}],
    ['order.{orderId}.item.{itemId}', 'order.1.item.2', { orderId: '1', itemId: '2' }],
    ['order-{orderId}', 'order-1-2', { orderId: '1-2' }],
    ['{from}-{to}', 'a-b-c', { from: 'a-b', to: 'c' }],
    ['{from}-{to}', 'a--', { from: 'a', to: '-' }],
    ['{from}-{to}', '-a', undefined],
    ['{from}-{to}', 'a-', undefined],
    ['x{a}x', 'xx', undefined],
    ['x{a}x', 'xyx', { a: 'y' }],
    ['x{a}yx', 'xyx', undefined],
    ['{a}--{b}-{c}', '1--2-3-4', { a: '1', b: '2-3', c: '4' }],
    ['{a}-{b}-{c}-{d}', '1-2-3-4-5', { a: '1-2', b: '3', c: '4', d: '5' }],
    ['App.Models.User.{id}', 'App.Models.User.42', { id: '42' }],
    ['a=b@c,d;e_{x}', 'a=b@c,d;e_f', { x: 'f' }],
  ];
  for (const [pattern, name, params] of cases) {
    const found = compilePattern(pattern).match(name);
    t.strictSame(found, params, `${pattern} and ${JSON.stringify(name)}`);
  }
});

t.test('prefixes are stripped as Laravel does; cache- stays, and may be left out of a pattern', async (t) => {
  const domain = book('domain.{id}');
  for (const prefix of ['private-', 'presence-', 'private-encrypted-']) {
    t.equal(domain.find(`${prefix}domain.7`)?.pattern, 'domain.{id}', prefix);
    t.equal(domain.find(`${prefix}cache-domain.7`)?.pattern, 'domain.{id}', `${prefix}cache-`);
    t.equal(domain.find(`${prefix}${prefix}domain.7`), undefined, `${prefix} is taken off once`);
  }
  t.equal(domain.find('private-cache-cache-domain.7'), undefined);
  t.equal(
    book('domain.{id}', 'cache-domain.{id}').find('private-cache-domain.7')?.pattern,
    'cache-domain.{id}',
    'the exact name first',
  );
  t.equal(book('cache-domain.{id}').find('private-domain.7'), undefined);
});

t.test('the first pattern in the order of writing decides', async (t) => {
  t.equal(book('domain.{id}', 'domain.7').find('private-domain.7')?.pattern, 'domain.{id}');
  t.equal(book('domain.7', 'domain.{id}').find('private-domain.7')?.pattern, 'domain.7');
});

t.test('patterns that are none, or never matched, name themselves', async (t) => {
  const cases: ReadonlyArray<readonly [string[], RegExp]> = [
    [[''], /pattern '': .*empty/],
    [['private-domain.{id}'], /pattern 'private-domain.{id}': leave out 'private-'/],
    [['private-encrypted-x'], /leave out 'private-encrypted-'/],
    [['presence-chat'], /leave out 'presence-'/],
    [['domain.{}'], /'{}' is not a parameter/],
    [['domain.{1d}'], /'{1d}' is not a parameter/],
    [['domain.{id'], /holds a character/],
    [['domain.id}'], /holds a character/],
    [['domain.*'], /holds a character/],
    [['domain/{id}'], /holds a character/],
    [['{id}.{id}'], /{id} stands twice/],
    [['{a}{b}'], /something between/],
    [['domain.{id}', 'domain.{domainId}'], /pattern 'domain.{domainId}': matches the same names as 'domain.{id}'/],
  ];
  for (const [patterns, message] of cases) t.throws(() => book(...patterns), { message }, patterns.join(' '));
});

t.test('a rules file', async (t) => {
  const directory = t.testdir();
  async function load(source: string, name: string): Promise<RuleBook> {
    const path = join(directory, name);
    await writeFile(path, source);
    return loadRules(path);
  }
  const good = await load("export default { channels: { 'x.{id}': () => true }, user: () => ({}) };", 'good.mjs');
  t.equal(good.find('private-x.1')?.pattern, 'x.{id}');
  t.type(good.user, 'function');
  await writeFile(join(directory, 'good.mjs'), "export default { channels: { 'y.{id}': () => true } };");
  const again = await loadRules(join(directory, 'good.mjs'), '2');
  t.equal(again.find('private-y.1')?.pattern, 'y.{id}', 'a new version is read anew');

  const broken: ReadonlyArray<readonly [string, RegExp]> = [
    ['export const channels = {};', /default export must be/],
    ['export default { channels: [] };', /channels must be/],
    ['export default { channels: {}, chanels: {} };', /unknown key 'chanels'/],
    ['export default { channels: {}, user: true };', /user must be a function/],
    ["export default { channels: { 'x.{id}': true } };", /pattern 'x.{id}': the rule must be a function/],
    ["export default { channels: { 'private-x': () => true } };", /private-x/],
    ['export default {', /./],
  ];
  for (const [index, [source, message]] of broken.entries()) {
    const name = `broken-${index}.mjs`;
    await t.rejects(load(source, name), { message: new RegExp(`${name}: .*${message.source}`, 's') }, source);
  }
  await t.rejects(loadRules(join(directory, 'absent.mjs')), { message: /absent\.mjs: / });
});

t.test('what a rule gets', async (t) => {
  const seen: unknown[] = [];
  const { ask, signIn } = harness(t, {
    rules: {
      channels: {
        'order.{orderId}.{part}': (user, params, { ask: asking, signal, ...context }) => {
          seen.push({ id: user.id, role: user.claims.role, frozen: Object.isFrozen(user.claims), params, context });
          return typeof asking === 'function' && !signal.aborted;
        },
      },
      user: (user, { ask: asking, signal, ...context }) => {
        seen.push({ id: user.id, context });
        return typeof asking === 'function' && !signal.aborted;
      },
    },
  });
  const jwt = await token({ role: 'clerk' });
  t.equal((await ask('private-order.12.items', jwt)).status, 200);
  t.equal((await signIn(jwt)).status, 200);
  const context = { appId: '3', socketId: '1234.1234', ip: '203.0.113.9' };
  t.strictSame(seen, [
    {
      id: '42',
      role: 'clerk',
      frozen: true,
      params: { orderId: '12', part: 'items' },
      context: { ...context, channel: 'private-order.12.items' },
    },
    { id: '42', context },
  ]);
});

t.test('what a rule may answer', async (t) => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  const cases: ReadonlyArray<
    readonly [string, () => unknown, string | undefined, 'warn' | 'error' | undefined, RegExp?]
  > = [
    ['true', () => true, undefined, undefined],
    ['a promise of true', async () => true, undefined, undefined],
    ['an object', () => ({ name: 'Ada' }), undefined, undefined],
    ['false', () => false, 'rule_denied', 'warn'],
    ['null', () => null, 'rule_denied', 'warn'],
    ['undefined', async () => undefined, 'rule_denied', 'warn'],
    ['a number', () => 1, 'rule_result_invalid', 'error', /a number/],
    ['text', () => 'yes', 'rule_result_invalid', 'error', /a string/],
    ['a list', () => ['x'], 'rule_result_invalid', 'error', /a list/],
    ['a cycle', () => circular, 'rule_result_invalid', 'error', /JSON/],
    ['a date', () => new Date(), 'rule_result_invalid', 'error', /JSON/],
    [
      'an error',
      () => {
        throw new Error('no database');
      },
      'rule_failed',
      'error',
      /no database/,
    ],
    [
      'a rejection',
      async () => {
        throw 'text';
      },
      'rule_failed',
      'error',
      /text/,
    ],
  ];
  for (const [name, rule, code, level, reason] of cases) {
    await t.test(name, async (t) => {
      const { ask, lines } = harness(t, { rules: { channels: { 'chat.{id}': rule as ChannelRule } } });
      const answer = await ask('presence-chat.5', await token());
      t.equal(answer.status, code === undefined ? 200 : 403);
      if (code === undefined) return;
      t.strictSame(answer.json, { error: 'Forbidden' });
      const line = refusalLine(t, lines, code);
      t.match(line, { level, rule: 'chat.{id}', userId: '42', channel: 'presence-chat.5', reason: reason ?? /./ });
    });
  }
});

t.test('what the user rule may answer', async (t) => {
  const cases: ReadonlyArray<readonly [string, () => unknown, object | string, RegExp?]> = [
    ['true', () => true, { id: '42' }],
    ['nothing of note', () => ({}), { id: '42' }],
    [
      'all',
      async () => ({ info: { name: 'Ada' }, watchlist: [1, '2'] }),
      { id: '42', user_info: { name: 'Ada' }, watchlist: ['1', '2'] },
    ],
    ['false', () => false, 'rule_denied'],
    ['nothing', () => undefined, 'rule_denied'],
    ['a misspelt key', () => ({ watchList: [] }), 'rule_result_invalid', /'watchList'/],
    ['info as text', () => ({ info: 'Ada' }), 'rule_result_invalid', /info/],
    ['a watchlist that is none', () => ({ watchlist: 'all' }), 'rule_result_invalid', /watchlist/],
    ['a watchlist of objects', () => ({ watchlist: [{}] }), 'rule_result_invalid', /watchlist/],
    [
      'an error',
      () => {
        throw new Error('no database');
      },
      'rule_failed',
      /no database/,
    ],
  ];
  for (const [name, rule, expected, reason] of cases) {
    await t.test(name, async (t) => {
      const { signIn, lines } = harness(t, { rules: { channels: {}, user: rule as () => boolean } });
      const answer = await signIn(await token({ exp: undefined }));
      if (typeof expected === 'string') {
        t.equal(answer.status, 403);
        t.match(refusalLine(t, lines, expected), { rule: 'user', userId: '42', reason: reason ?? /./ });
      } else {
        t.equal(answer.status, 200);
        t.strictSame(JSON.parse(String(answer.json.user_data)), expected);
      }
    });
  }
});

t.test('a rule that takes too long is a no, and is told to stop', async (t) => {
  let aborted = false;
  const { ask, lines } = harness(t, {
    settings: { ruleTimeoutSeconds: 0.05 },
    rules: {
      channels: {
        'chat.{id}': (_user, _params, { signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => {
              aborted = true;
              reject(new Error('stopped'));
            });
          }),
      },
    },
  });
  t.equal((await ask('private-chat.5', await token())).status, 403);
  t.match(refusalLine(t, lines, 'rule_timeout'), { level: 'error', rule: 'chat.{id}', reason: /0.05 s/ });
  t.ok(aborted);
});

t.test('a rule that throws the token does not bring it into the log', async (t) => {
  const jwt = await token();
  const { ask, lines } = harness(t, {
    rules: {
      channels: {
        'chat.{id}': () => {
          throw new Error(`cannot read ${jwt}\nat all`);
        },
      },
    },
  });
  t.equal((await ask('private-chat.5', jwt)).status, 403);
  t.match(refusalLine(t, lines, 'rule_failed', [jwt]).reason, /cannot read \[token\]\?at all/);
});

t.test('no rule for the channel: 403', async (t) => {
  const { ask, lines } = harness(t, { rules: { channels: {} } });
  t.equal((await ask('private-domain.7', await token())).status, 403);
  t.match(refusalLine(t, lines, 'no_rule'), { level: 'warn', userId: '42', channel: 'private-domain.7' });
});
