import { runInNewContext } from 'node:vm';
import t from 'tap';
import { pageSnippet, type SnippetOptions } from '../../src/cli/page-snippet.ts';
import { localUrl, parseServerUrl } from '../../src/cli/server-url.ts';
import type { Config } from '../../src/config/schema.ts';
import { load } from '../support/config.ts';

/** What the snippet's script hands to pusher-js. */
function construct(snippet: string): { key: string; options: Record<string, unknown> } {
  const script = /<script>(.*)<\/script>/s.exec(snippet)?.[1] ?? '';
  const seen: { key: string; options: Record<string, unknown> }[] = [];
  const bindable = { bind: () => bindable, bind_global: () => bindable };
  class Pusher {
    readonly connection = bindable;
    constructor(key: string, options: Record<string, unknown>) {
      seen.push({ key, options });
    }
    subscribe() {
      return bindable;
    }
  }
  const document = { body: { append: () => undefined }, createElement: () => undefined };
  runInNewContext(script, { Pusher, document });
  return JSON.parse(JSON.stringify(seen[0])) as { key: string; options: Record<string, unknown> };
}

function snippet(config: Config, more: Partial<SnippetOptions> = {}): string {
  const [app] = config.apps;
  if (app === undefined) throw new Error('no app');
  const server = parseServerUrl(localUrl(config, config.port));
  return pageSnippet({ server, app, namesApp: false, token: 'a.b.c', channel: 'private-c', ...more });
}

t.test('the options that stock pusher-js wants', async (t) => {
  t.same(construct(snippet(load().config)), {
    key: 'app-key',
    options: {
      wsHost: 'localhost',
      wsPort: 6001,
      wssPort: 6001,
      httpHost: 'localhost',
      httpPort: 6001,
      httpsPort: 6001,
      forceTLS: false,
      cluster: '',
      enabledTransports: ['ws', 'wss', 'xhr_streaming', 'xhr_polling'],
      channelAuthorization: {
        transport: 'ajax',
        endpoint: 'http://localhost:6001/broadcasting/auth',
        headers: { Authorization: 'Bearer a.b.c' },
      },
    },
  });
});

t.test('with TLS, a path prefix and several apps', async (t) => {
  const { config } = load({
    env: {
      FANFARE_PATH_PREFIX: '/realtime',
      FANFARE_TLS_CERT_FILE: 'c',
      FANFARE_TLS_KEY_FILE: 'k',
      FANFARE_HOST: '::1',
    },
    checkFiles: false,
  });
  t.match(construct(snippet(config, { namesApp: true })).options, {
    wsHost: '[::1]',
    wsPath: '/realtime',
    httpHost: '[::1]',
    httpPath: '/realtime',
    forceTLS: true,
    channelAuthorization: { endpoint: 'https://[::1]:6001/realtime/broadcasting/auth', params: { app_key: 'app-key' } },
  });
});

t.test('a public channel is joined without asking', async (t) => {
  const page = snippet(load().config, { channel: 'news', token: undefined });
  t.notOk('channelAuthorization' in construct(page).options);
});

t.test('nothing in it can end the script', async (t) => {
  const { config } = load({ file: { apps: [{ id: 'a', key: '<!--<script>"', secret: 's' }] } });
  const page = snippet(config, { channel: '</script>' });
  t.equal(page.split('</script>').length - 1, 2, 'as many as there are scripts');
  t.equal(construct(page).key, '<!--<script>"');
});

t.test('an address that stands for all is reached as localhost', async (t) => {
  const url = (host: string) => localUrl(load({ env: { FANFARE_HOST: host } }).config, 7);
  t.same(['0.0.0.0', '::', '127.0.0.1', '::1'].map(url), [
    'http://localhost:7',
    'http://localhost:7',
    'http://127.0.0.1:7',
    'http://[::1]:7',
  ]);
});
