import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import pusherModule from 'pusher-js';
import t, { type Test } from 'tap';
import { CLI_FROM_SOURCE, run, scratchFolder, start, startNode, startServer } from '../support/cli.ts';
import { until } from '../support/wait.ts';

// The types say that the class is the module's `default`; in Node the class is the module itself.
const Pusher = pusherModule as unknown as typeof pusherModule.default;

/** Runs a page that the command has printed; answers with the lines that the page shows, as they come. */
function openPage(t: Test, printed: string): string[] {
  const script = /<script>(.*)<\/script>/s.exec(printed)?.[1] ?? '';
  const lines: string[] = [];
  class Observed extends Pusher {
    constructor(...options: ConstructorParameters<typeof Pusher>) {
      super(...options);
      t.teardown(() => this.disconnect());
    }
  }
  const document = { body: { append: (line: string) => lines.push(line) }, createElement: () => undefined };
  runInNewContext(script, { Pusher: Observed, document, fetch, URLSearchParams });
  return lines;
}

t.test('a project with rules of its own is told which file they are', async (t) => {
  const folder = scratchFolder(t);
  writeFileSync(join(folder, 'rules.mjs'), 'export default { channels: {} };');
  const env = { FANFARE_AUTH_RULES_FILE: 'rules.mjs' };
  const server = startNode(t, [...CLI_FROM_SOURCE, '--port', '0', '--host', '127.0.0.1'], folder, env);
  await server.shows(/^Who may join what is decided by rules\.mjs; a change of it takes effect at once\.$/m);
});

t.test('serve, trigger and listen together', async (t) => {
  const { server, url } = await startServer(t);
  await server.shows(/npx fanfare trigger.*\n/);

  t.test('serve warns of the development credentials on stderr and logs JSON on stdout', async (t) => {
    t.match(server.stderr(), /^Development credentials, which everybody knows: .*\nProduction refuses them.*\n$/);
    t.match(JSON.parse(server.stdout().split('\n')[0] ?? ''), { msg: 'listening', host: '127.0.0.1' });
  });

  t.test('it says where to look and what to send, on a few lines', async (t) => {
    const printed = server
      .stdout()
      .split('\n')
      .filter((line) => !line.startsWith('{'))
      .join('\n');
    t.match(printed, `Open ${url}/ in a browser`);
    t.match(printed, `npx fanfare trigger --url ${url} private-domain.7 message.sent '{"text":"hello"}'`);
    t.notMatch(printed, '<');
    t.ok(printed.length < 700, `${printed.length} characters`);
  });

  t.test('the page of `fanfare page` joins, and shows what the printed command sends', async (t) => {
    const lines = openPage(t, (await run(['page', '--url', url])).stdout);
    await until(
      () => lines.includes('joined private-domain.7'),
      () => `the subscription in ${lines}`,
    );
    t.same(lines.slice(0, 2), ['connecting', 'connected']);
    const line = /npx fanfare (trigger .*) '(.*)'\n/.exec(server.stdout());
    const sent = await run([...(line?.[1] ?? '').split(' '), line?.[2] ?? '']);
    t.match(sent, { code: 0, stdout: 'Triggered message.sent on private-domain.7.' });
    await until(
      () => lines.includes('message.sent {"text":"hello"}'),
      () => `the event in ${lines}`,
    );
  });

  t.test('the page says why it may not connect, or may not join', async (t) => {
    const page = async (...args: string[]) => openPage(t, (await run(['page', '--url', url, ...args])).stdout);
    const shown = (lines: readonly string[], pattern: RegExp) =>
      until(
        () => lines.some((line) => pattern.test(line)),
        () => `${pattern} in ${lines}`,
      );
    const key = ['--set', 'apps[0].id=a', '--set', 'apps[0].secret=s', '--set', 'apps[0].key=other'];
    await shown(await page(...key), /^refused: \{"code":4001,/);
    await shown(
      await page('private-domain.8', '--user', '42', '--domains', '7'),
      /^not allowed to join private-domain\.8: 403 .*"code":"rule_denied".*"hint":"compare/,
    );
    await shown(await page('news'), /^joined news$/);
  });

  t.test('listen prints a line for each event: time, channel, event, data', async (t) => {
    const listener = start(t, ['listen', 'private-domain.7', 'news', '--user', '42', '--domains', '7', '--url', url]);
    await listener.shows(/listening on private-domain\.7/);
    await listener.shows(/listening on news/);
    await run(['trigger', 'private-domain.7', 'message.sent', '{"text":"a b"}', '--url', url]);
    await run(['trigger', 'news', 'plain', 'not JSON', '--url', url]);
    await listener.shows(/not JSON/);
    t.match(
      listener.stdout(),
      /^\d{4}-\S+Z private-domain\.7 message\.sent \{"text":"a b"\}\n\S+Z news plain not JSON\n$/,
    );
    listener.child.kill('SIGINT');
    t.equal(await listener.exited(), 0);
  });

  t.test('listen without a token signs by the secret, and prints the wanted events only', async (t) => {
    const listener = start(t, ['listen', 'presence-room', '--event', 'wanted', '--url', url]);
    await listener.shows(/listening on presence-room/);
    await run(['trigger', 'presence-room', 'other', '{}', '--url', url]);
    await run(['trigger', 'presence-room', 'wanted', '{}', '--url', url]);
    await listener.shows(/presence-room wanted/);
    t.notMatch(listener.stdout(), /other/);
    listener.child.kill('SIGTERM');
    t.equal(await listener.exited(), 0);
  });

  t.test('listen ends in peace when nobody reads it any more', async (t) => {
    const listener = start(t, ['listen', 'pipe', '--url', url]);
    await listener.shows(/listening on pipe/);
    listener.child.stdout?.destroy();
    await run(['trigger', 'pipe', 'e', '{}', '--url', url]);
    t.equal(await listener.exited(), 0);
    t.notMatch(listener.stderr(), 'EPIPE');
  });

  t.test('listen ends where every channel is refused, and where the app is unknown', async (t) => {
    const refused = start(t, ['listen', 'private-domain.8', '--user', '42', '--domains', '7', '--url', url]);
    t.equal(await refused.exited(), 1);
    t.match(
      refused.stderr(),
      /refused on private-domain\.8: 403 Forbidden \(rule_denied\): .*\n.*claims.*\nEvery channel was refused\.\n$/,
    );
    const stranger = start(t, ['listen', 'news', '--url', url], { PUSHER_APP_KEY: 'other' });
    t.equal(await stranger.exited(), 1);
    t.match(stranger.stderr(), /\(4001\)\n$/);
  });

  t.test('trigger leaves out the socket it is told to, and tells what the server has against it', async (t) => {
    t.match(await run(['trigger', 'news', 'e', '{}', '--socket-id', '1.2', '--url', url]), { code: 0 });
    t.match(await run(['trigger', 'news', 'e', '{}', '--socket-id', 'x', '--url', url]), {
      code: 1,
      stderr: /answered 400: /,
    });
    const wrong = await run(['trigger', 'news', 'e', '{}', '--url', url], { PUSHER_APP_SECRET: 'hunter2' });
    t.match(wrong, { code: 1, stderr: /The server answered 401: / });
    t.notMatch(wrong.stderr, 'hunter2');
  });

  t.test('an address in use is a sentence', async (t) => {
    const second = start(t, ['--host', '127.0.0.1', '--port', new URL(url).port]);
    t.equal(await second.exited(), 1);
    t.match(second.stderr(), /\nCannot listen on 127\.0\.0\.1:\d+: it is in use[^\n]* --port[^\n]*\n$/);
  });

  t.test('SIGTERM stops it', async (t) => {
    server.child.kill('SIGTERM');
    t.equal(await server.exited(), 0);
    t.match(server.stdout(), /"msg":"stopped"/);
  });
});

t.test('one signal that arrives twice, as Ctrl-C does under npm, stops it in good order', async (t) => {
  const { server } = await startServer(t);
  server.child.kill('SIGINT');
  server.child.kill('SIGTERM');
  t.equal(await server.exited(), 0);
  t.match(server.stdout(), /"msg":"stopped"/);
});

t.test('with credentials of its own it prints nothing but its log, and listens under a prefix', async (t) => {
  const env = {
    NODE_ENV: 'production',
    FANFARE_ADMIN_TOKEN: 'a'.repeat(48),
    PUSHER_APP_ID: 'chat',
    PUSHER_APP_KEY: 'chat-key',
    PUSHER_APP_SECRET: 'chat-secret',
    JWT_SECRET: 'a-jwt-secret-that-is-long-enough-for-production',
  };
  const { server, url } = await startServer(t, ['--path-prefix', '/realtime'], env);
  t.match(await run(['trigger', 'news', 'e', '{}', '--url', `${url}/realtime/`], env), { code: 0 });
  const listener = start(t, ['listen', 'private-user.42', '--user', '42', '--url', `${url}/realtime`], env);
  await listener.shows(/listening on private-user\.42/);
  const refused = start(t, ['listen', 'private-user.8', '--user', '42', '--url', `${url}/realtime`], env);
  t.equal(await refused.exited(), 1);
  t.match(refused.stderr(), "refused on private-user.8: 403 Forbidden; the server's log says why\n", 'and no more');
  server.child.kill('SIGTERM');
  t.equal(await server.exited(), 0);
  t.equal(server.stderr(), '');
  for (const line of server.stdout().trim().split('\n')) t.ok(JSON.parse(line));
});

t.test('rules that cannot be loaded are a sentence', async (t) => {
  const file = join(scratchFolder(t), 'rules.js');
  writeFileSync(file, 'export default { chanels: {} };');
  const server = start(t, ['--port', '0'], { FANFARE_AUTH_RULES_FILE: file });
  t.equal(await server.exited(), 1);
  t.match(server.stderr(), /\n\/.*rules\.js: unknown key 'chanels'[^\n]*\n$/);
});
