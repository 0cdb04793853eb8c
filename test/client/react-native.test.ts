import { fileURLToPath } from 'node:url';
import { createContext, Script } from 'node:vm';
import { build } from 'esbuild';
import t from 'tap';

/** An application as it would be written there. */
const APPLICATION = `
export { resumable } from './client/index.ts';
export { Pusher } from 'pusher-js/react-native';
`;

interface FakeSocket {
  readonly url: string;
  onopen?: () => void;
  onmessage?: (message: { data: string }) => void;
}

/** What React Native has and Node has too, and no more: no window, no document, no crypto. */
function reactNative(globals: object = {}) {
  const sockets: FakeSocket[] = [];
  class WebSocket {
    readonly url: string;
    readonly readyState = 1;
    constructor(url: string) {
      this.url = url;
      sockets.push(this);
    }
    send(): void {}
    close(): void {}
  }
  const NetInfo = { addEventListener: () => () => undefined, fetch: () => new Promise(() => undefined) };
  const require = (name: string) => {
    if (name === '@react-native-community/netinfo') return { __esModule: true, default: NetInfo, ...NetInfo };
    throw new Error(`a bundle for React Native asked for ${name}`);
  };
  const timers = { setTimeout, clearTimeout, setInterval, clearInterval };
  const context = createContext({ ...timers, console, WebSocket, XMLHttpRequest: class {}, ...globals });
  const load = (code: string): unknown => {
    const module = { exports: {} as unknown };
    const run = new Script(`(function (module, exports, require) {${code}\n})`).runInContext(context) as (
      ...of: unknown[]
    ) => void;
    run(module, module.exports, require);
    return module.exports;
  };
  return { load, sockets };
}

async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: APPLICATION, resolveDir: fileURLToPath(new URL('../../', import.meta.url)) },
    ...{ bundle: true, write: false, format: 'cjs', platform: 'neutral', target: 'es2018' },
    mainFields: ['react-native', 'main'],
    conditions: ['react-native'],
    external: ['@react-native-community/netinfo'],
  });
  return outputFiles[0]?.text ?? '';
}

type Resumable = typeof import('../../client/index.ts')['resumable'];
interface PusherClass {
  readonly Runtime?: unknown;
  new (
    key: string,
    options: object,
  ): {
    readonly connection: { bind(event: string, listener: (message: { event: string }) => void): void };
    disconnect(): void;
  };
}

t.test('a bundle for React Native, with its own build of pusher-js', async (t) => {
  const code = await bundled();
  const parts = (globals?: object) => {
    const { load, sockets } = reactNative(globals);
    return { ...(load(code) as { resumable: Resumable; Pusher: PusherClass }), sockets };
  };

  const without = parts();
  t.throws(() => without.resumable(without.Pusher, {}), {
    message: /needs crypto\.getRandomValues: import "react-native-get-random-values" before it/,
  });

  const { resumable, Pusher, sockets } = parts({ crypto: { getRandomValues: crypto.getRandomValues.bind(crypto) } });
  const options = resumable(Pusher, { cluster: '', wsHost: 'example.com', enabledTransports: ['ws'] });
  const pusher = new Pusher('key', options);
  t.teardown(() => pusher.disconnect());
  const heard: string[] = [];
  pusher.connection.bind('message', ({ event }) => heard.push(event));
  const [socket] = sockets;
  t.match(socket?.url, /^wss?:\/\/example\.com(:\d+)?\/resume\/[0-9a-f]{32}\/app\/key\?/);
  socket?.onopen?.();
  const established = '{"socket_id":"1.1","activity_timeout":120}';
  socket?.onmessage?.({ data: JSON.stringify({ event: 'pusher:connection_established', data: established }) });
  for (const id of ['e:1', 'e:2', 'e:1', 'e:2', 'e:3']) {
    socket?.onmessage?.({ data: `{"event":"news-${id}","channel":"room","data":"1","id":"${id}"}` });
  }
  t.strictSame(
    heard.filter((event) => event.startsWith('news')),
    ['news-e:1', 'news-e:2', 'news-e:3'],
  );
});
