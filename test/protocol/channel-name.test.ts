import fc from 'fast-check';
import t from 'tap';
import { channelKind, channelNameProblem, printable } from '../../src/protocol/channel-name.ts';

t.test('a name says what kind of channel it is', async (t) => {
  const kinds: Record<string, [access: string, encrypted: boolean, cache: boolean, serverToUser: boolean]> = {
    'my-channel': ['public', false, false, false],
    'cache-news': ['public', false, true, false],
    'private-domain.7': ['private', false, false, false],
    'private-cache-x': ['private', false, true, false],
    'private-encrypted-x': ['private', true, false, false],
    'private-encrypted-cache-x': ['private', true, true, false],
    'presence-chat.1': ['presence', false, false, false],
    'presence-cache-x': ['presence', false, true, false],
    '#server-to-user-42': ['private', false, false, true],
    // The hyphen belongs to the prefix.
    privateer: ['public', false, false, false],
    private: ['public', false, false, false],
    presence: ['public', false, false, false],
    presences: ['public', false, false, false],
    cache: ['public', false, false, false],
    cached: ['public', false, false, false],
    'private-encrypted': ['private', false, false, false],
    'private-cache': ['private', false, false, false],
    'private-encrypted-cache': ['private', true, false, false],
    'private-': ['private', false, false, false],
    // Prefixes are exact, and come first.
    'Private-x': ['public', false, false, false],
    'my-private-x': ['public', false, false, false],
    'presence-encrypted-x': ['presence', false, false, false],
    'cache-private-x': ['public', false, true, false],
    '#server-to-user': ['public', false, false, false],
    '#watch-42': ['public', false, false, false],
    '': ['public', false, false, false],
  };
  for (const [name, [access, encrypted, cache, serverToUser]] of Object.entries(kinds)) {
    t.strictSame({ ...channelKind(name) }, { access, encrypted, cache, serverToUser }, name);
  }
});

t.test('acceptable names', async (t) => {
  for (const name of ['a', 'private-domain.7', 'A_z-0=1@x,y.z;', 'x'.repeat(200)]) {
    t.equal(channelNameProblem(name, 200), undefined, name);
  }
  for (const id of ['42', 'a b', 'ünïcode/#?', 'x'.repeat(184)]) {
    t.equal(channelNameProblem(`#server-to-user-${id}`, 200), undefined, "a user's id is the application's own");
  }
});

t.test('names that are not', async (t) => {
  const notText = [undefined, null, 7, {}, [], true, ''];
  for (const name of notText) t.match(channelNameProblem(name, 200), /non-empty string/, JSON.stringify(name));
  for (const name of ['a b', 'a/b', 'a:b', 'a#b', 'ä', 'a\n', '#', '#watch-1', '#orders-1', 'a*', 'a+b', '{a}']) {
    t.match(channelNameProblem(name, 200), /Invalid channel name/, name);
  }
  t.match(channelNameProblem('x'.repeat(201), 200), /201 characters long; the limit is 200/);
  t.match(channelNameProblem('#server-to-user-', 200), /lacks the user id/);
  t.match(channelNameProblem(`#server-to-user-${'x'.repeat(185)}`, 200), /201 characters long; the limit is 200/);
});

t.test('what strangers sent can be printed', async (t) => {
  t.equal(printable('a\n\u001b[31m\u2028\u0085b'), 'a??[31m??b');
  t.equal(printable('x'.repeat(100)), `${'x'.repeat(80)}…`);
  t.equal(printable('abcdef', 3), 'abc…');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const shown = printable(text, 40);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
      return shown.length <= 41 && !/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(shown);
    }),
  );
});
