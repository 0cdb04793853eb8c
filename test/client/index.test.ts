import t from 'tap';
import { type ResumableOptions, resumable } from '../../client/index.ts';

interface FakeSocket {
  readonly url: string;
  readonly sent: unknown[];
  readyState: number;
  onmessage?: ((message: { data: unknown }) => void) | undefined;
  send(data: unknown): void;
}

/** What pusher-js does with its runtime: opens a socket, and then sets its listener. */
function fakePusher() {
  const open = (url: string): FakeSocket => {
    const sent: unknown[] = [];
    return { url, sent, readyState: 1, send: (data) => sent.push(data) };
  };
  const HTTPFactory = { createStreamingSocket: open, createPollingSocket: open };
  const Runtime = { createWebSocket: open, HTTPFactory };
  return { Runtime, HTTPFactory };
}

interface Page {
  readonly gaps: string[];
  readonly heard: string[];
  readonly wsPath: string;
  readonly httpPath: string;
  connect(): FakeSocket;
}

function page(options: object = {}, more: ResumableOptions = {}): Page {
  const Pusher = fakePusher();
  const gaps: string[] = [];
  const heard: string[] = [];
  const { wsPath, httpPath } = resumable(Pusher, options, { onGap: (channel) => gaps.push(channel), ...more });
  const connect = () => {
    const socket = Pusher.Runtime.createWebSocket(`ws://127.0.0.1:1${wsPath}/app/key?protocol=7`);
    socket.onmessage = ({ data }) => heard.push(String(data));
    return socket;
  };
  return { gaps, heard, connect, wsPath, httpPath };
}

const event = (channel: string, id: string) => `{"event":"news","channel":"${channel}","data":"1","id":"${id}"}`;
const receive = (socket: FakeSocket, data: string) => socket.onmessage?.({ data });
const resumedFrame = (channel: string, data: object) =>
  JSON.stringify({ event: 'fanfare:resumed', channel, data: JSON.stringify(data) });

t.test('options keep what they were, and name one session on every transport', async (t) => {
  const { wsPath, httpPath } = page();
  t.match(wsPath, /^\/resume\/[0-9a-f]{32}$/);
  t.equal(httpPath, `${wsPath}/pusher`);
  t.not(page().wsPath, wsPath, 'each its own token');
  const Pusher = fakePusher();
  const options = resumable(Pusher, { cluster: '', wsHost: 'h', wsPath: '/realtime', httpPath: '/realtime/pusher' });
  t.equal(options.wsHost, 'h');
  const copy = { ...options };
  t.match(copy.wsPath, /^\/realtime\/resume\/[0-9a-f]{32}$/);
  t.equal(copy.httpPath, `${copy.wsPath}/pusher`);
  t.match(resumable(Pusher, { httpPath: '/other' }).httpPath, /^\/other\/resume\/[0-9a-f]{32}$/);
});

t.test('options that two connections are made of give each a session of its own', async (t) => {
  const options = resumable(fakePusher(), {});
  const [one, two] = [{ ...options }, { ...options }];
  t.not(one.wsPath, two.wsPath);
  for (const { wsPath, httpPath } of [one, two]) t.equal(httpPath, `${wsPath}/pusher`);
  const { httpPath, wsPath } = options;
  t.equal(httpPath, `${wsPath}/pusher`, 'whichever is read first');
});

t.test(
  'two connections that were made of one copy of the options get their events each, and word of every gap',
  async (t) => {
    const { heard, gaps, wsPath, connect } = page();
    const subscribe = '{"event":"pusher:subscribe","data":{"channel":"a"}}';
    const unknown = resumedFrame('a', { recovered: false, reason: 'unknown' });
    const join = (socket: FakeSocket) => {
      socket.send(subscribe);
      receive(socket, unknown);
    };
    const one = connect();
    // Another transport of the same connection, of which one is given up.
    const raced = connect();
    t.equal(raced.url, one.url);
    join(one);
    t.same(gaps, []);
    const two = connect();
    t.notOk(two.url.includes(wsPath));
    join(two);
    for (const socket of [one, two]) receive(socket, event('a', 'e:1'));
    t.equal(heard.filter((frame) => frame.includes('e:1')).length, 2);
    t.same(gaps, ['a']);
    for (const socket of [one, two]) socket.readyState = 3;
    for (const socket of [connect(), connect()]) {
      t.notOk(socket.url.includes(wsPath) || socket.url === two.url);
      join(socket);
      receive(socket, event('a', 'e:2'));
    }
    t.same(gaps, ['a', 'a', 'a']);
    t.equal(heard.filter((frame) => frame.includes('e:2')).length, 2);
  },
);

t.test('a token that turns out to be another page’s too is used no more', async (t) => {
  const { heard, gaps, wsPath, connect } = page();
  const first = connect();
  receive(first, resumedFrame('a', { recovered: false, reason: 'unknown' }));
  const second = connect();
  t.ok(second.url.includes(wsPath));
  receive(second, resumedFrame('a', { recovered: false, reason: 'shared' }));
  receive(second, resumedFrame('b', { recovered: false, reason: 'shared' }));
  t.same(gaps, ['a'], 'of what was joined before, something may be missing');
  const third = connect();
  t.notOk(third.url.includes(wsPath));
  t.match(third.url, /^ws:\/\/127\.0\.0\.1:1\/resume\/[0-9a-f]{32}\/app\/key\?protocol=7$/);
  receive(third, resumedFrame('a', { recovered: false, reason: 'unknown' }));
  t.same(gaps, ['a', 'a'], 'a new session knows of nothing');
  receive(third, event('a', 'e:1'));
  receive(connect(), event('a', 'e:1'));
  t.equal(heard.length, 5, 'and from then on all is as before');
});

t.test('what came before is dropped, over connections and for each channel by itself', async (t) => {
  const { heard, connect } = page();
  const first = connect();
  const sent = [event('a', 'e:1'), event('a', 'e:2'), event('b', 'e:1')];
  for (const frame of sent) receive(first, frame);
  t.same(heard, sent);
  const second = connect();
  for (const frame of sent) receive(second, frame);
  t.same(heard, sent, 'nothing twice');
  receive(second, event('a', 'e:3'));
  t.equal(heard.length, 4);
  receive(second, event('a', 'f:1'));
  t.equal(heard.length, 5, 'another epoch begins anew');
});

t.test('what has no id passes, whatever stands in its data', async (t) => {
  const { heard, connect } = page();
  const socket = connect();
  const frames = [
    '{"event":"pusher:pong","data":{}}',
    '{"event":"news","channel":"a","data":"{\\"id\\":\\"e:1\\"}"}',
    '{"event":"news","channel":"a","data":{"x":1,"id":"e:1"}}',
    'not json,"id":"e:1"',
  ];
  for (const frame of [...frames, ...frames]) receive(socket, frame);
  t.same(heard, [...frames, ...frames]);
});

t.test('a channel that the page left begins anew', async (t) => {
  const { heard, gaps, connect } = page();
  const socket = connect();
  receive(socket, resumedFrame('a', { recovered: false, reason: 'unknown' }));
  receive(socket, event('a', 'e:1'));
  const leave = '{"event":"pusher:unsubscribe","data":{"channel":"a"}}';
  socket.send(leave);
  t.same(socket.sent, [leave]);
  receive(socket, event('a', 'e:1'));
  const later = connect();
  receive(later, resumedFrame('a', { recovered: false, reason: 'unknown' }));
  t.same(gaps, []);
  t.equal(heard.length, 4);
});

t.test('onGap: a gap, and a session that the server forgot; never a first subscription', async (t) => {
  const { heard, gaps, connect } = page();
  const first = connect();
  receive(first, resumedFrame('a', { recovered: false, reason: 'unknown' }));
  receive(first, resumedFrame('b', { recovered: false, reason: 'unknown' }));
  t.same(gaps, []);
  receive(first, resumedFrame('a', { recovered: false, reason: 'gap' }));
  t.same(gaps, ['a'], 'while the connection stands');
  const second = connect();
  receive(second, resumedFrame('a', { recovered: true, events: 0 }));
  receive(second, resumedFrame('b', { recovered: false, reason: 'unknown' }));
  t.same(gaps, ['a', 'b']);
  receive(second, resumedFrame('c', { recovered: false, reason: 'unknown' }));
  t.same(gaps, ['a', 'b']);
  t.equal(heard.length, 6, 'the application hears of it too');
  receive(second, '{"event":"news","channel":"c","data":"\\"fanfare:resumed\\""}');
  t.same(gaps, ['a', 'b']);
});

t.test('sockets of other connections are left alone', async (t) => {
  const Pusher = fakePusher();
  resumable(Pusher, {});
  resumable(Pusher, {});
  const heard: unknown[] = [];
  for (const url of ['ws://h/app/key', `ws://h/resume/${'0'.repeat(32)}/app/key`]) {
    const socket = Pusher.Runtime.createWebSocket(url);
    t.notOk(Object.hasOwn(socket, 'onmessage'));
    socket.onmessage = ({ data }) => heard.push(data);
    receive(socket, event('a', 'e:1'));
  }
  t.equal(heard.length, 2);
});

t.test('sockets over HTTP are filtered too', async (t) => {
  const Pusher = fakePusher();
  const { httpPath } = resumable(Pusher, {});
  const heard: unknown[] = [];
  for (const create of ['createStreamingSocket', 'createPollingSocket'] as const) {
    const socket = Pusher.HTTPFactory[create](`http://h${httpPath}/app/key`);
    socket.onmessage = ({ data }) => heard.push(data);
    receive(socket, event('a', 'e:1'));
  }
  t.equal(heard.length, 1);
});

t.test('it says so if it cannot work', async (t) => {
  t.throws(() => resumable({}, {}), { message: /Pusher class of pusher-js 7 or 8/ });
  const { crypto } = globalThis;
  Object.defineProperty(globalThis, 'crypto', { value: undefined, configurable: true });
  t.teardown(() => Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true }));
  t.throws(() => resumable(fakePusher(), {}), { message: /react-native-get-random-values/ });
});
