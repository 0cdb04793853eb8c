import { createServer } from 'node:http';
import t, { type Test } from 'tap';
import { type WebSocket, WebSocketServer } from 'ws';
import { DeliveryCheck } from '../../bench/support/load/delivery-check.ts';
import { FrameReader, maskedFrame, OPCODE_TEXT } from '../../bench/support/load/frame-reader.ts';
import { type LoadJob, type LoadResult, runLoads } from '../../bench/support/load/load-run.ts';
import { EVENT, eventData } from '../../bench/support/load/trigger-request.ts';
import { median } from '../../bench/support/report.ts';

const CHANNEL = 'bench';

function frame(sequence: number, { channel = CHANNEL, publisher = 0, text = 'x' } = {}): Buffer {
  return Buffer.from(
    JSON.stringify({ event: EVENT, channel, data: eventData(CHANNEL, publisher, sequence) }).replace('xx', `x${text}`),
  );
}

t.test('a delivery that is not the one that was due fails', async (t) => {
  const completed: number[] = [];
  const checkOf = (events: number): ((subscriber: number, bytes: Buffer) => void) & { check: DeliveryCheck } => {
    const check = new DeliveryCheck({
      channel: CHANNEL,
      subscribers: 2,
      publishers: 1,
      onComplete: (publisher) => completed.push(publisher),
    });
    for (let sequence = 1; sequence <= events; sequence += 1) check.publishing(0, sequence);
    return Object.assign((subscriber: number, bytes: Buffer) => check.delivered(subscriber, bytes, 0, bytes.length), {
      check,
    });
  };

  const all = checkOf(2);
  all(0, frame(1));
  all(1, frame(1));
  all(0, frame(2));
  t.notOk(all.check.isComplete());
  t.match(all.check.missing(), /1 subscribers lack deliveries: subscriber 1 lacks event 2 of publisher 0/);
  all(1, frame(2));
  t.ok(all.check.isComplete());
  t.equal(all.check.deliveries, 4);
  t.same(completed, [0]);

  const due = { message: /received event \d of publisher \d+ where \d was due/ };
  const repeated = checkOf(2);
  repeated(0, frame(1));
  t.throws(() => repeated(0, frame(1)), due, 'repeated');
  t.throws(() => checkOf(2)(0, frame(2)), due, 'out of order, or one is missing');
  t.throws(() => checkOf(1)(0, frame(1, { publisher: 7 })), due, 'of a publisher that is not there');
  t.throws(() => checkOf(0)(0, frame(1)), due, 'never published');
  t.throws(() => checkOf(1)(0, frame(1, { channel: 'other' })), { message: /not the event/ }, 'on another channel');
  t.throws(() => checkOf(1)(0, frame(1, { text: 'y' })), { message: /not the event/ }, 'altered for the first');
  const altered = checkOf(1);
  altered(0, frame(1));
  t.throws(() => altered(1, frame(1, { text: 'y' })), { message: /not the event/ }, 'altered for the second');
  t.throws(() => checkOf(1)(0, Buffer.from('{}')), { message: /no publisher sent/ }, 'something else');
  t.equal(frame(1).length, 250, 'frames measure what the report says');
});

t.test('many publishers and long sequences are told apart', async (t) => {
  const publishers = 150;
  const check = new DeliveryCheck({ channel: CHANNEL, subscribers: 1, publishers, onComplete: () => undefined });
  for (let publisher = 0; publisher < publishers; publisher += 1) {
    check.publishing(publisher, 1);
    const bytes = frame(1, { publisher });
    t.equal(bytes.length, 250);
    check.delivered(0, bytes, 0, bytes.length);
  }
  t.ok(check.isComplete());
  t.match(eventData(CHANNEL, 1, 12_345_678), /@\d+-0*12345678@/);
  t.throws(() => eventData(CHANNEL, 10_000, 1), RangeError, 'a publisher that the marker has no room for');
  t.throws(() => eventData(CHANNEL, 0, 1e9), RangeError, 'a sequence that the marker has no room for');
});

t.test('frames are read however the stream is cut', async (t) => {
  const payloads = ['', 'short', 'm'.repeat(126), 'l'.repeat(70_000)];
  const stream = Buffer.concat(
    payloads.map((payload) => {
      const body = Buffer.from(payload);
      if (body.length > 65_535) {
        const header = Buffer.from([0x81, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
        header.writeBigUInt64BE(BigInt(body.length), 2);
        return Buffer.concat([header, body]);
      }
      const masked = maskedFrame(OPCODE_TEXT, body);
      const header = Buffer.from(masked.subarray(0, masked.length - body.length - 4));
      header[1] = (header[1] ?? 0) & 0x7f;
      return Buffer.concat([header, body]);
    }),
  );
  for (const size of [1, 2, 3, 131, 5000, stream.length]) {
    const read: string[] = [];
    const reader = new FrameReader((opcode, bytes, start, end) => {
      if (opcode === OPCODE_TEXT) read.push(bytes.toString('utf8', start, end));
    });
    for (let start = 0; start < stream.length; start += size) {
      reader.read(stream, start, Math.min(start + size, stream.length));
    }
    t.same(read, payloads, `in pieces of ${size}`);
  }
  const reader = new FrameReader(() => undefined);
  t.throws(() => reader.read(Buffer.from([0x01, 0x00]), 0, 2), { message: /does not send/ }, 'a fragment');
});

t.test('a median', async (t) => {
  t.equal(median([3, 1, 2]), 2);
  t.equal(median([4, 1, 2, 3]), 2.5);
  t.throws(() => median([]), RangeError);
});

type Deliver = (socket: WebSocket, text: string, eventCount: number, subscriber: number) => void;

/** Runs the load on a server of this test that delivers as `deliver` does. */
async function loadOn(t: Test, deliver: Deliver, paced = true): Promise<LoadResult[]> {
  const server = createServer((request, response) => {
    request.setEncoding('utf8');
    let body = '';
    request.on('data', (text) => {
      body += text;
    });
    request.on('end', () => {
      const { name, data, channels }: { name: string; data: string; channels: string[] } = JSON.parse(body);
      events += 1;
      const text = JSON.stringify({ event: name, channel: channels[0], data });
      for (const [index, socket] of [...sockets.clients].entries()) deliver(socket, text, events, index);
      response.setHeader('content-length', 2);
      response.end('{}');
    });
  });
  let events = 0;
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => {
    const data = JSON.stringify({ socket_id: '1.1', activity_timeout: 120 });
    socket.send(JSON.stringify({ event: 'pusher:connection_established', data }));
    socket.on('message', (bytes) => {
      const message: { event: string } = JSON.parse(String(bytes));
      const event = message.event === 'pusher:ping' ? 'pusher:pong' : 'pusher_internal:subscription_succeeded';
      socket.send(JSON.stringify({ event, channel: CHANNEL, data: '{}' }));
    });
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address !== null && typeof address === 'object') resolve(address.port);
    });
  });
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  const job: LoadJob = {
    server: 'faulty',
    port,
    serverPid: process.pid,
    otherPids: [process.pid],
    app: { id: 'app-id', key: 'app-key', secret: 'app-secret' },
    isSigned: true,
    channel: CHANNEL,
    subscribers: 3,
    publishers: 2,
    isPaced: paced,
    isKeptAlive: true,
    warmUpEvents: 4,
    events: 20,
    stallSeconds: 0.5,
  };
  return runLoads([job], 3);
}

t.test('a server that delivers all', async (t) => {
  const [result] = await loadOn(t, (socket, text) => socket.send(text));
  t.match(result, { events: 20, deliveries: 60, apiConnections: 8 });
  t.ok(result !== undefined && result.serverCpuMicroseconds > 0);
  t.equal(result?.otherCpuMicroseconds.length, 1);
  t.ok((result?.otherCpuMicroseconds[0] ?? 0) > 0);
});

t.test('deliveries are timed to half of the subscribers and to the last', async (t) => {
  const lateMs = 30;
  const [result] = await loadOn(t, (socket, text, _, subscriber) => {
    if (subscriber < 2) socket.send(text);
    else setTimeout(() => socket.send(text), lateMs);
  });
  const latency = result?.latency;
  if (latency === undefined) throw new Error('a paced run times its deliveries');
  t.ok(latency.half.p50 < lateMs, `half: ${latency.half.p50} ms`);
  t.ok(latency.last.p50 >= lateMs - 1, `last: ${latency.last.p50} ms`);
  t.ok(latency.last.p99 >= latency.last.p50);
  const [unpaced] = await loadOn(t, (socket, text) => socket.send(text), false);
  t.equal(unpaced?.latency, undefined, 'without pace an event has no time of its own');
});

t.test('a server that loses, repeats or mixes up deliveries fails the run', async (t) => {
  const isFault = (event: number, subscriber: number): boolean => event === 15 && subscriber === 1;
  const faults: Record<string, Deliver> = {
    'loses one': (socket, text, event, subscriber) => {
      if (!isFault(event, subscriber)) socket.send(text);
    },
    'repeats one': (socket, text, event, subscriber) => {
      socket.send(text);
      if (isFault(event, subscriber)) socket.send(text);
    },
    'repeats the last': (socket, text, event, subscriber) => {
      socket.send(text);
      if (event === 24 && subscriber === 2) socket.send(text);
    },
    'uses another channel': (socket, text, event, subscriber) => {
      socket.send(isFault(event, subscriber) ? text.replace('"channel":"bench"', '"channel":"other"') : text);
    },
  };
  for (const [name, deliver] of Object.entries(faults)) {
    await t.rejects(loadOn(t, deliver), { name: 'DeliveryError' }, name);
    await t.rejects(loadOn(t, deliver, false), { name: 'DeliveryError' }, `${name}, without pace`);
  }
});
