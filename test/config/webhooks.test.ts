import t from 'tap';
import { load, problemsOf } from '../support/config.ts';

const CREDENTIALS = { id: 'a', key: 'k', secret: 's' };
const withWebhook = (webhook: object) => ({ file: { apps: [{ ...CREDENTIALS, webhooks: [webhook] }] } });

t.test('an endpoint is told of everything unless it says less', async (t) => {
  const [app] = load(withWebhook({ url: 'https://example.com/hooks' })).config.apps;
  t.match(app?.webhooks, [{ url: 'https://example.com/hooks', channels: '*' }]);
  t.equal(app?.webhooks[0]?.events.length, 7);
});

t.test('the environment names them too', async (t) => {
  const { config } = load({
    file: { apps: [CREDENTIALS] },
    env: {
      FANFARE_APPS_0_WEBHOOKS_0_URL: 'https://example.com/hooks',
      FANFARE_APPS_0_WEBHOOKS_0_EVENTS: 'channel_occupied,channel_vacated',
      FANFARE_APPS_0_WEBHOOKS_0_CHANNELS: 'private-*',
    },
  });
  const events = ['channel_occupied', 'channel_vacated'];
  t.strictSame(config.apps[0]?.webhooks, [{ url: 'https://example.com/hooks', events, channels: 'private-*' }]);
});

t.test('what cannot be is refused, with what could be', async (t) => {
  const url = 'https://example.com/hooks';
  for (const [webhook, problem] of [
    [{}, /webhooks\[0\]\.url: is missing/],
    [{ url: 'example.com/hooks' }, /must be an http:\/\/ or https:\/\/ address/],
    [{ url: 'ftp://example.com' }, /must be an http:\/\/ or https:\/\/ address/],
    [{ url: 'https://user:word@example.com' }, /without a user and a password/],
    [{ url, events: ['channel_occupy'] }, /must be some of channel_occupied, channel_vacated/],
    [{ url, events: [] }, /must name an event at least/],
    [{ url, channels: 'a*b' }, /must be the name of a channel, its beginning and \*, or \* and its end/],
    [{ url, kinds: [] }, /kinds/],
  ] as const) {
    t.match(problemsOf(withWebhook(webhook)).join('\n'), problem, JSON.stringify(webhook));
  }
});
