import t from 'tap';
import { REFUSALS } from '../../src/auth/index.ts';
import { harness, SECRET, token } from '../support/auth.ts';

t.test('in development a refusal says why, and what to do', async (t) => {
  const { ask } = harness(t, { explainRefusals: true, rules: { channels: { 'domain.{id}': (user) => !user } } });
  t.strictSame((await ask('private-domain.7', await token())).json, {
    error: 'Forbidden',
    code: 'rule_denied',
    reason: REFUSALS.rule_denied.meaning,
    rule: 'domain.{id}',
    hint: "compare the token's claims with what the rule asks for; ids from the channel's name are text",
  });
  t.match((await ask('private-room.7', await token())).json, { code: 'no_rule', hint: /patterns leave private-/ });
  t.match((await ask('private-domain.7')).json, { code: 'token_missing', hint: /npx fanfare token/ });
  const forged = await token({}, `${SECRET}-of-someone-else`);
  const { json } = await ask('private-domain.7', forged);
  t.match(json, { code: 'token_bad_signature', hint: /JWT_SECRET/ });
  t.notMatch(JSON.stringify(json), forged, 'never the token');
});

t.test('otherwise it says no more than it must', async (t) => {
  const { ask } = harness(t);
  t.strictSame((await ask('private-room.7', await token())).json, { error: 'Forbidden' });
});
