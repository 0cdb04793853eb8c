import t from 'tap';
import { RawClient } from '../support/raw-client.ts';
import { SignedApi, send } from '../support/signed-api.ts';
import { APP, startFanfare } from '../support/target.ts';
import { RawSocket } from '../support/transport.ts';
import { within } from '../support/wait.ts';

const target = await startFanfare(t, { apps: [{ ...APP, limits: { maxEventNameLength: 200 } }] });

const asks = (path: string, method = 'GET') => `${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
const serves = () => within(send(target.origin, 'GET', '/ready'), 'an answer to somebody else', 2000);

for (const [what, request] of [
  ['GET', asks('/ready')],
  ['HEAD', asks('/ready', 'HEAD')],
  ['nothing there', asks('/nothing')],
  ['refused', asks('/apps/app-id/channels')],
  ['a preflight', asks('/apps/app-id/events', 'OPTIONS')],
  ['a preflight of the HTTP transports', asks('/pusher/app/app-key/1/abcdefgh/xhr', 'OPTIONS')],
  ['a body too large', 'POST /ready HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx'],
  ['no WebSocket', asks('/app/app-key')],
  [
    'no WebSocket, with a key',
    asks('/app/app-key').replace('Host', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nHost'),
  ],
] as const) {
  t.test(`requests without end in one packet: ${what}`, async (t) => {
    const attacker = await RawSocket.connect(t, target.port);
    attacker.write(request.repeat(20_000));
    await within(attacker.ended, 'the end of the connection');
    await serves();
  });
}

t.test('whoever reads no answers gets no further ones', async (t) => {
  for (const request of [asks('/fanfare/client.js'), asks('/ready', 'HEAD')]) {
    const attacker = await RawSocket.connect(t, target.port);
    attacker.socket.pause();
    let isOver = false;
    void attacker.ended.then(() => {
      isOver = true;
    });
    for (let sent = 0; sent < 20_000 && !isOver; sent += 1) {
      attacker.write(request);
      await new Promise((resolve) => setImmediate(resolve));
    }
    t.ok(isOver, request);
    await serves();
  }
});

t.test('a large answer comes whole, however slowly it is read', async (t) => {
  // Names of channels: more than the kernels at both ends hold for somebody who does not read.
  for (let index = 0; index < 8; index += 1) {
    const client = await RawClient.connect(t, target);
    for (let n = 0; n < 1000; n += 1) client.sendSubscribe(`c${index}-${n}${'-'.repeat(190)}`.slice(0, 200));
    await client.fence();
  }
  const { pathAndQuery } = new SignedApi(target).sign({ method: 'GET', path: '/apps/app-id/channels' });
  const reader = await RawSocket.connect(t, target.port);
  reader.socket.pause();
  reader.write(asks(pathAndQuery));
  await serves();
  reader.socket.resume();
  await reader.until(/\}\}$/);
  const [head = '', body = ''] = reader.text.split('\r\n\r\n');
  t.match(head, new RegExp(`Content-Length: ${body.length}`, 'i'));
  t.ok(body.length > 1_500_000);
  t.equal(Object.keys((JSON.parse(body) as { channels: object }).channels).length, 8000);
  reader.write(asks('/ready'));
  await reader.until(/ready$/);
});
