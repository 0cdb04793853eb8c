import t from 'tap';
import { unique } from '../support/names.ts';
import { decoded, RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { overEachTransport } from '../support/target.ts';
import { within } from '../support/wait.ts';

await overEachTransport(t, async (t, target) => {
  const api = new SignedApi(target);

  t.test("a user's connections are closed for good, those of others stay", async (t) => {
    const [id, other] = [unique('u'), unique('u')];
    const channel = `presence-${unique('c')}`;
    const mine = [await RawClient.connect(t, target), await RawClient.connect(t, target)];
    for (const client of mine) {
      await client.signIn({ id });
      await client.subscribe(channel, JSON.stringify({ user_id: id }));
    }
    const theirs = await RawClient.connect(t, target);
    await theirs.signIn({ id: other });
    await theirs.subscribe(channel, JSON.stringify({ user_id: other }));
    const anonymous = await RawClient.connect(t, target);
    await anonymous.subscribe(channel, JSON.stringify({ user_id: 'anonymous' }));

    const answer = await api.post(`/users/${id}/terminate_connections`, {});
    t.equal(answer.status, 200);
    t.equal(answer.text, '{}');
    for (const client of mine) {
      const { code } = await within(client.closed, 'the close');
      t.equal(code, 4009, 'a code on which pusher-js does not come back');
    }
    t.strictSame(decoded(await anonymous.next('pusher_internal:member_removed')), { user_id: id });
    for (const client of [theirs, anonymous]) {
      await client.fence();
      t.ok(client.isOpen);
    }
    t.match((await api.get(`/channels/${channel}`, { info: 'subscription_count' })).json, { subscription_count: 2 });
  });

  t.test('a presence member who never signed in is reached by the user id of its membership', async (t) => {
    const id = unique('u');
    const member = await RawClient.connect(t, target);
    await member.subscribe(`presence-${unique('c')}`, JSON.stringify({ user_id: id }));
    t.equal((await api.post(`/users/${id}/terminate_connections`, {})).status, 200);
    t.equal((await within(member.closed, 'the close')).code, 4009);
  });

  t.test('a user nobody has seen is a 200 too', async (t) => {
    const answer = await api.post(`/users/${unique('u')}/terminate_connections`, {});
    t.equal(answer.status, 200);
    t.equal(answer.text, '{}');
  });

  t.test('the forms the libraries send', async (t) => {
    const path = (id: string) => `/apps/${target.appId}/users/${id}/terminate_connections`;
    const forms: [string, string, (id: string) => Parameters<SignedApi['request']>[0]][] = [
      ['an empty body', 'u', (id) => ({ method: 'POST', path: path(id), body: '' })],
      ['no body at all', 'u', (id) => ({ method: 'POST', path: path(id) })],
      [
        'Python, without the prefix of the app',
        'u',
        (id) => ({ method: 'POST', path: `/users/${id}/terminate_connections`, body: '{}' }),
      ],
      [
        'Node: signed raw, sent encoded',
        'ż @',
        (id) => ({ method: 'POST', path: path(id), sentPath: encodeURI(path(id)), body: '{}' }),
      ],
      [
        'signed encoded, sent encoded',
        'a/b ',
        (id) => ({ method: 'POST', path: path(encodeURIComponent(id)), body: '{}' }),
      ],
    ];
    for (const [name, prefix, form] of forms) {
      const id = unique(prefix);
      const client = await RawClient.connect(t, target);
      await client.signIn({ id });
      const answer = await api.request(form(id));
      t.equal(answer.status, 200, name);
      t.equal((await within(client.closed, `the close: ${name}`)).code, 4009);
    }
  });

  t.test('unsigned, it is refused and closes nobody', async (t) => {
    const id = unique('u');
    const client = await RawClient.connect(t, target);
    await client.signIn({ id });
    for (const path of [
      `/apps/${target.appId}/users/${id}/terminate_connections`,
      `/users/${id}/terminate_connections`,
    ]) {
      const answer = await api.request({ method: 'POST', path, body: '{}', secret: 'wrong' });
      t.equal(answer.status, 401, path);
    }
    await client.fence();
    t.ok(client.isOpen);
  });
});
