import t from 'tap';
import { isSockJsPath, requestNumberOf, xhrPathOf } from '../../../src/transport/xhr/xhr-path.ts';

t.test('what pusher-js puts together', async (t) => {
  for (const call of ['xhr_streaming', 'xhr', 'xhr_send']) {
    t.strictSame(xhrPathOf(`/pusher/app/key/7/0abcdefv/${call}`), {
      appPath: '/pusher/app/key',
      appKey: 'key',
      session: '7/0abcdefv',
      call,
    });
  }
  t.match(xhrPathOf('/app/key/999/vvvvvvvv/xhr'), { appPath: '/app/key' }, 'without a prefix');
  t.match(xhrPathOf('/resume/t/pusher/app/key/0/00000000/xhr'), { appPath: '/resume/t/pusher/app/key' });
});

t.test('what it does not', async (t) => {
  for (const path of [
    '/pusher/app/key/1000/0abcdefv/xhr',
    '/pusher/app/key/7/0abcdefw/xhr',
    '/pusher/app/key/7/0abcdef/xhr',
    '/pusher/app/key/7/0abcdefv/xhr_polling',
    '/pusher/app/key/7/0abcdefv/xhr/',
    '/pusher/7/0abcdefv/xhr',
    '/app//7/0abcdefv/xhr',
  ]) {
    t.equal(xhrPathOf(path), undefined, path);
  }
});

t.test('requests of SockJS', async (t) => {
  for (const path of ['/pusher/info', '/pusher/iframe-0.3.4.html', '/pusher/123/abcdefgh/xhr_streaming']) {
    t.ok(isSockJsPath(path), path);
  }
  for (const path of ['/apps/1/channels', '/pusher/app/key/7/nosession/xhr', '/pusher/auth']) {
    t.notOk(isSockJsPath(path), path);
  }
});

t.test("a request's number", async (t) => {
  t.equal(requestNumberOf('t=1&n=17'), 17);
  t.equal(requestNumberOf('n=3&protocol=7'), 3);
  for (const query of ['', 't=1', 'nn=1', 'n=x', 'n=-1', 'n=1.5', `n=${'9'.repeat(20)}`]) {
    t.equal(requestNumberOf(query), undefined, query);
  }
});
