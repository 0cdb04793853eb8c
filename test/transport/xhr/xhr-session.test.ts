import t from 'tap';
import { ReceiveAllowance } from '../../../src/transport/receive-allowance.ts';
import { Opener } from '../../../src/transport/xhr/opener.ts';
import type { Receiver } from '../../../src/transport/xhr/receiver.ts';
import { LineBudget } from '../../../src/transport/xhr/waiting-lines.ts';
import { type SessionKeeper, XhrSession } from '../../../src/transport/xhr/xhr-session.ts';

const nothing = () => undefined;

const LIMITS = {
  maxBufferedBytes: 1e6,
  maxSessionBytes: 1e6,
  maxReceiveBytesPerSecond: 1e6,
  maxReceiveBytesAtOnce: 1e6,
};

t.test('pings that a client leaves unanswered take memory for a hundred of them, not for each', async (t) => {
  const answered: string[] = [];
  const keeper: SessionKeeper = {
    ...{ flushSoon: nothing, sent: nothing, joined: nothing, left: nothing, fellBehind: nothing },
    ...{ hasReadItsLast: nothing, ended: nothing, away: nothing, gone: nothing },
    answered: (_, payload) => answered.push(payload),
  };
  const session = new XhrSession({
    ...{ key: 'k', transport: 'xhr-streaming', keeper, budget: new LineBudget(() => LIMITS) },
    opener: new Opener('d', '192.0.2.1', undefined),
    allowance: new ReceiveAllowance(() => LIMITS, 0),
  });
  const receiver: Receiver = {
    ...{ isStreaming: true, isSpent: false, end: nothing, replace: nothing, cut: nothing, abort: nothing },
    take(waiting, taken) {
      for (let line = waiting.shift(); line !== undefined; line = waiting.shift()) taken(line);
    },
  };
  session.attach(receiver);
  for (let n = 1; n <= 250; n += 1) {
    session.ping(String(n));
    session.flush();
  }
  for (let n = 1; n <= 250; n += 1) session.pong();
  t.equal(answered.length, 100, 'the others were not kept');
  t.strictSame(answered.slice(-1), ['100'], 'an answer never stands for more than was asked by then');
  session.ping('251');
  session.flush();
  session.pong();
  t.equal(answered.at(-1), '251');
});
