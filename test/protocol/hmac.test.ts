import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { hmacHex } from '../../src/protocol/hmac.ts';

const byNode = (secret: string, text: string | Uint8Array) => createHmac('sha256', secret).update(text).digest('hex');

t.test('it is what Node computes, for any secret and text', async (t) => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary', minLength: 1000, maxLength: 5000 }));
  const holds = () =>
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 150 }), text, (secret, signed) => {
        return hmacHex(secret, signed) === byNode(secret, signed);
      }),
    );
  t.doesNotThrow(holds);
});

t.test('at the borders of its memory, and with lone surrogates', async (t) => {
  for (const length of [0, 1, 63, 64, 65, 1365, 1366, 4096, 4097]) {
    for (const character of ['a', 'é', '€', '\ud800']) {
      const text = character.repeat(length);
      t.equal(hmacHex('secret', text), byNode('secret', text), `${length} of ${JSON.stringify(character)}`);
      t.equal(hmacHex(text, 'text'), byNode(text, 'text'), `a secret of ${length} of ${JSON.stringify(character)}`);
    }
  }
});

t.test('bytes and more secrets than are remembered', async (t) => {
  for (let index = 0; index < 600; index += 1) {
    if (hmacHex(`secret-${index}`, 'text') !== byNode(`secret-${index}`, 'text')) t.fail(`secret-${index}`);
  }
  const bytes = new Uint8Array([0, 255, 128]);
  t.equal(hmacHex('secret', bytes), byNode('secret', bytes));
  t.equal(hmacHex('secret-1', 'text'), byNode('secret-1', 'text'), 'one that was forgotten');
});
