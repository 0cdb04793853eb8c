import t from 'tap';
import { type FakeSocket, fakeConnection } from '../../support/fakes.ts';

t.test('errors are told without closing', async (t) => {
  const connection = fakeConnection();
  connection.sendError(4301, 'Too many', 'private-x');
  connection.sendError(null, 'No');
  const { calls } = connection.socket as FakeSocket;
  t.strictSame(calls, [
    'send {"event":"pusher:error","data":{"code":4301,"message":"Too many"},"channel":"private-x"}',
    'send {"event":"pusher:error","data":{"code":null,"message":"No"}}',
  ]);
});
