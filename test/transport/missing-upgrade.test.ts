import t from 'tap';
import { RawClient } from '../support/raw-client.ts';
import { send } from '../support/signed-api.ts';
import { startLogged } from '../support/transport.ts';

t.test('a WebSocket request that a proxy has taken the Upgrade from', async (t) => {
  const { target, log } = await startLogged(t);
  const path = `/app/${target.key}?protocol=7&client=js&version=8.6.0&flash=false`;
  const key = { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version': '13' };
  for (const headers of [{}, key, { ...key, Upgrade: 'h2c' }]) {
    for (const prefix of ['', '/resume/abcdefghijklmnopqrstuvwxyz']) {
      const answer = await send(target.origin, 'GET', prefix + path, headers);
      t.equal(answer.status, 426);
      t.equal(answer.headers.upgrade, 'websocket');
      t.match(answer.text, /a proxy on the way has dropped it: it must pass on the headers Upgrade and Connection/);
    }
  }
  const warnings = log.filter(({ msg }) => String(msg).includes('Upgrade: websocket'));
  t.equal(warnings.length, 1, 'one line, however many come');
  t.notMatch(JSON.stringify(log), /abcdefghijklmnopqrstuvwxyz/, 'no session token in it');
  await RawClient.connect(t, target);
});
