import { once } from 'node:events';
import t from 'tap';
import { RawClient } from '../support/raw-client.ts';
import { overEachTransport } from '../support/target.ts';
import { within } from '../support/wait.ts';

await overEachTransport(t, async (t, target) => {
  t.test('pusher:ping is answered with pusher:pong', async (t) => {
    const pings: [string, unknown][] = [
      ['pusher-js', { event: 'pusher:ping', data: {} }],
      ['Java, without data', { event: 'pusher:ping' }],
      ['data as a string', { event: 'pusher:ping', data: '{}' }],
      ['data null', { event: 'pusher:ping', data: null }],
    ];
    const client = await RawClient.connect(t, target);
    for (const [name, ping] of pings) {
      client.send(ping);
      const pong = await client.next('pusher:pong');
      t.equal(pong.event, 'pusher:pong', name);
      t.notOk('channel' in pong, 'no channel');
    }
  });

  t.test('every ping has one pong, in order with the rest', async (t) => {
    const client = await RawClient.connect(t, target);
    for (let i = 0; i < 10; i += 1) client.send({ event: 'pusher:ping', data: {} });
    for (let i = 0; i < 10; i += 1) await client.next('pusher:pong');
    await client.fence();
    t.equal(client.unread().length, 0);
  });

  if (target.transport === 'ws') {
    t.test('a WebSocket ping is answered with its payload', async (t) => {
      const client = await RawClient.connect(t, target);
      const pong = once(client.socket, 'pong');
      client.socket.ping('payload-7');
      const [payload] = (await within(pong, 'the pong')) as [Buffer];
      t.equal(payload.toString(), 'payload-7');
    });
  }

  t.test("a client's pong needs no answer and is no error", async (t) => {
    const client = await RawClient.connect(t, target);
    client.send({ event: 'pusher:pong', data: {} });
    client.send({ event: 'pusher:pong' });
    if (target.transport === 'ws') client.socket.pong('unasked');
    await client.fence();
    t.equal(client.unread().length, 0);
  });
});
