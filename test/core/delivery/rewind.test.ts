import t from 'tap';
import { rewindRuleOf } from '../../../src/core/delivery/rewind.ts';
import { app } from '../../support/unit-app.ts';

const rules = [
  { channels: 'private-user-7', events: 1, seconds: 60 },
  { channels: 'private-user-*', events: 2, seconds: 60 },
  { channels: 'presence-*', events: 3, seconds: 60 },
];

t.test('none by default', async (t) => {
  t.equal(rewindRuleOf(app(), 'anything'), undefined);
});

t.test('the first rule that fits', async (t) => {
  const ruled = app({ rewind: rules });
  const eventsFor = (channel: string) => rewindRuleOf(ruled, channel)?.events;
  t.equal(eventsFor('private-user-7'), 1);
  t.equal(eventsFor('private-user-70'), 2);
  t.equal(eventsFor('private-user-'), 2, 'no further character is any, too');
  t.equal(eventsFor('presence-room'), 3);
  t.equal(eventsFor('private-user'), undefined);
  t.equal(eventsFor('xprivate-user-7'), undefined);
});

t.test('a star is one at the end only', async (t) => {
  const ruled = app({ rewind: [{ channels: '*', events: 5, seconds: 60 }] });
  t.equal(rewindRuleOf(ruled, 'anything')?.events, 5);
});
