import { mock } from 'node:test';
import t from 'tap';
import type { SavedSession } from '../../../src/core/contracts/session-store.ts';
import { LeftSessions } from '../../../src/core/resume/left-sessions.ts';

function session(socketId: string): SavedSession {
  return { socketIds: [socketId], channels: new Map() };
}

t.test('a session is given once', async (t) => {
  const left = new LeftSessions();
  left.leave('a', session('1.1'));
  left.leave('a', session('1.2'));
  t.same(left.take('a')?.socketIds, ['1.2'], 'as it was left last');
  t.equal(left.take('a'), undefined);
});

t.test('the oldest make room', async (t) => {
  const left = new LeftSessions();
  for (let at = 0; at < 1500; at += 1) left.leave(`${at}`, session('1.1'));
  t.equal(left.take('499'), undefined);
  t.ok(left.take('500'));
  t.ok(left.take('1499'));
});

t.test('one that nobody has asked for is forgotten', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  const left = new LeftSessions();
  left.leave('a', session('1.1'));
  left.leave('b', session('1.2'));
  mock.timers.tick(1500);
  left.leave('b', session('1.3'));
  mock.timers.tick(500);
  t.equal(left.take('a'), undefined);
  t.same(left.take('b')?.socketIds, ['1.3'], 'and one that was left later is not');
});
