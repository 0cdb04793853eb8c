import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import t from 'tap';
import { ReceiveAllowance } from '../../src/transport/receive-allowance.ts';
import { RawClient } from '../support/raw-client.ts';
import { startFanfare } from '../support/target.ts';
import { RawSocket, startLogged } from '../support/transport.ts';
import { within } from '../support/wait.ts';

t.test('an allowance is used up, fills again with time, and never beyond what may come at once', async (t) => {
  let nowMs = 0;
  const limits = { maxReceiveBytesPerSecond: 20_000, maxReceiveBytesAtOnce: 10_000 };
  const allowance = new ReceiveAllowance(() => limits, nowMs);
  const take = (bytes: number) => allowance.take(bytes, () => nowMs);
  t.ok(take(9_000));
  t.notOk(take(2_000), 'more than may come at once');
  nowMs = 500;
  t.ok(take(7_000));
  nowMs = 100_000;
  t.ok(take(9_400), 'what was not used is not saved up');
  t.notOk(take(9_400));
});

t.test('small messages count with what each takes', async (t) => {
  const allowance = new ReceiveAllowance(
    () => ({ maxReceiveBytesPerSecond: 512 * 200, maxReceiveBytesAtOnce: 512 * 100 }),
    0,
  );
  for (let i = 0; i < 100; i += 1) t.ok(allowance.take(0, () => 0));
  t.notOk(allowance.take(0, () => 0));
});

/** A deflated text frame as a client sends it, masked with zeros. (RFC 7692, section 7.2.1) */
function deflatedFrame(text: string): Buffer {
  const deflated = deflateRawSync(text, { finishFlush: 2 }).subarray(0, -4);
  const head =
    deflated.length < 126
      ? Buffer.from([0xc1, 0x80 | deflated.length])
      : Buffer.from([0xc1, 0x80 | 126, deflated.length >> 8, deflated.length & 0xff]);
  return Buffer.concat([head, Buffer.alloc(4), deflated]);
}

t.test('small deflated frames that become large ones are cut after the first few', async (t) => {
  const { target, port, logged } = await startLogged(t, { connections: { compression: true } });
  const attacker = await RawSocket.connect(t, port);
  attacker.write(
    `GET /app/${target.key}?protocol=7 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Extensions: permessage-deflate\r\n' +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
  );
  await attacker.until(/permessage-deflate/);
  const frame = deflatedFrame(`{"event":"client-x","data":"${' '.repeat(360_000)}"}`);
  t.ok(frame.length < 1000);
  attacker.write(Buffer.concat(Array.from({ length: 3000 }, () => frame)));
  await within(attacker.ended, 'the end of the connection');
  t.match(await logged('connection closed'), { code: 4100, reason: 'Too much was sent in a second' });
  t.ok(attacker.bytes.length < 10_000, 'what comes after the limit is not looked at, nor answered');
});

t.test('who keeps to the limit is served; who exceeds it is closed with 4100', async (t) => {
  const target = await startFanfare(t, { connections: { maxReceiveBytesPerSecond: '1500KB' } });
  const honest = await RawClient.connect(t, target);
  for (let i = 0; i < 1500; i += 1) honest.send({ event: 'pusher:subscribe', data: { channel: `c-${i}` } });
  await honest.fence();
  const greedy = await RawClient.connect(t, target);
  for (let i = 0; i < 20; i += 1) greedy.send({ event: 'client-x', channel: 'c', data: 'x'.repeat(90_000) });
  t.equal((await within(greedy.closed, 'the close')).code, 4100);
  await honest.fence();
});

t.test('pings and pongs count: a flood of them holds up nobody else', async (t) => {
  const target = await startFanfare(t);
  for (const opcode of [0x89, 0x8a]) {
    const honest = await RawClient.connect(t, target);
    const attacker = await RawSocket.connect(t, target.port);
    attacker.write(
      `GET /app/${target.key}?protocol=7 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
    );
    await attacker.until(/connection_established/);
    attacker.write(Buffer.concat(Array.from({ length: 100_000 }, () => Buffer.from([opcode, 0x80, 0, 0, 0, 0]))));
    await within(attacker.ended, 'the end of the connection');
    await honest.fence();
  }
});
