import t from 'tap';
import { unique } from '../support/names.ts';
import { decoded, RawClient } from '../support/raw-client.ts';
import { SignedApi, send } from '../support/signed-api.ts';
import { overEachTransport } from '../support/target.ts';
import { until, within } from '../support/wait.ts';

await overEachTransport(t, async (t, target) => {
  const app = `/app/${target.key}`;

  t.test('the first frame is connection_established, its data a JSON string', async (t) => {
    const client = await RawClient.connect(t, target);
    const [first] = client.frames;
    if (first === undefined) throw new Error('no frame came');
    t.equal(first.event, 'pusher:connection_established');
    t.strictSame(Object.keys(JSON.parse(first.raw)).sort(), ['data', 'event'], 'nothing else in it');
    t.type(first.data, 'string');
    const { socket_id: socketId, activity_timeout: seconds } = decoded(first) as Record<string, unknown>;
    t.match(socketId, /^\d+\.\d+$/, 'the form that every server library validates');
    t.ok(Number.isInteger(seconds) && Number(seconds) > 0, 'an activity timeout in whole seconds, never 0');
  });

  t.test('every connection has a socket id of its own', async (t) => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(t, target)));
    t.equal(new Set(clients.map((client) => client.socketId)).size, 20);
  });

  t.test('what the official clients ask for on connecting', async (t) => {
    const variants: Record<string, string> = {
      'pusher-js, protocol 7': `${app}?protocol=7&client=js&version=8.6.0&flash=false`,
      'protocol 6': `${app}?protocol=6&client=js&version=2.2.0`,
      'Java, protocol 5': `${app}?client=java-client&protocol=5&version=2.4.4`,
      Swift: `${app}?protocol=7&client=pusher-websocket-swift&version=10.1.5`,
      'a wsPath of its own choice': `/any/prefix${app}?protocol=7&client=js&version=8.6.0&flash=false`,
      'only a protocol': `${app}?protocol=7`,
      'the protocol last, after unknown parameters': `${app}?a=b&flag&=&client=x&protocol=7`,
    };
    for (const [name, path] of Object.entries(variants)) {
      const client = await RawClient.connect(t, target, { path });
      t.match(client.socketId, /^\d+\.\d+$/, name);
    }
  });

  const overWebSocket = target.transport === 'ws';

  if (overWebSocket) {
    t.test('an offered subprotocol is echoed, none is invented', async (t) => {
      const swift = await RawClient.connect(t, target, { subprotocols: ['pusher-channels-protocol-7'] });
      t.equal(swift.socket.protocol, 'pusher-channels-protocol-7');
      const several = await RawClient.connect(t, target, { subprotocols: ['pusher-channels-protocol-7', 'other'] });
      t.ok(['pusher-channels-protocol-7', 'other'].includes(several.socket.protocol), 'one of several, never a list');
      const plain = RawClient.open(t, target);
      const upgrade = await within(plain.upgrade, 'the upgrade');
      t.notOk('sec-websocket-protocol' in upgrade.headers);
    });
  }

  t.test('a refusal comes after the upgrade: a pusher:error, then a close with its code', async (t) => {
    const refusals: [string, string, number][] = [
      ['an unknown key', '/app/no-such-key?protocol=7', 4001],
      ['a protocol that is no number', `${app}?protocol=seven`, 4006],
      ['a protocol that is no whole number', `${app}?protocol=7.5`, 4006],
      ['a protocol too old', `${app}?protocol=4`, 4007],
      ['a protocol too new', `${app}?protocol=8`, 4007],
      ['no protocol', app, 4008],
      ['no protocol among other parameters', `${app}?client=js&version=8.6.0`, 4008],
    ];
    // Of the HTTP transports, such a path is no path.
    if (overWebSocket) refusals.push(['a path that is not ours', '/nothing/here?protocol=7', 4005]);
    for (const [name, path, code] of refusals) {
      await t.test(name, async (t) => {
        const client = RawClient.open(t, target, { path });
        await within(client.opened, 'the upgrade: an HTTP status would hide the code');
        const closed = await within(client.closed, 'the close');
        t.equal(closed.code, code);
        t.equal(client.frames.length, 1, 'one frame before the close');
        const [frame] = client.frames;
        t.equal(frame?.event, 'pusher:error');
        t.match(frame?.data, { code, message: /\w+ \w+/ }, 'data is an object with a code and a sentence');
        t.notOk(frame?.raw.includes('"channel"'), 'no channel, not even null');
      });
    }
  });

  t.test('a plain GET of the WebSocket path is answered', async (t) => {
    const answer = await send(target.origin, 'GET', `${app}?protocol=7`);
    t.ok(answer.status >= 400 && answer.status < 500, `a 4xx: ${answer.status}`);
  });

  t.test('a client that closes is answered with a close, and its channels are vacated', async (t) => {
    const api = new SignedApi(target);
    const channel = unique('leaving-');
    const occupied = async () => ((await api.get(`/channels/${channel}`)).json as { occupied?: unknown }).occupied;
    const client = await RawClient.connect(t, target);
    await client.subscribe(channel);
    t.equal(await occupied(), true);
    const closed = await client.close(1000);
    t.ok(closed.code === 1000 || closed.code === 1005, `the close handshake is completed: ${closed.code}`);
    await until(async () => (await occupied()) === false, 'the channel is vacated');

    const cut = await RawClient.connect(t, target);
    await cut.subscribe(channel);
    cut.cut();
    await until(async () => (await occupied()) === false, 'the channel is vacated when the connection is cut');
  });
});
