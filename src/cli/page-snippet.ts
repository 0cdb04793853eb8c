import type { App } from '../core/contracts/app.ts';
import type { ServerUrl } from './server-url.ts';

/** The version that the tests run; one of them compares. */
const PUSHER_JS_VERSION = '8.6.0';

export interface SnippetOptions {
  readonly server: ServerUrl;
  readonly app: App;
  /** Whether the authorization endpoint must be told which app is meant: there are several. */
  readonly namesApp: boolean;
  /** The token of a user who may join the channel; a public channel needs none. */
  readonly token: string | undefined;
  readonly channel: string;
}

/** A page to save and open: it joins the channel with stock pusher-js, and shows its events, or why there are none. */
export function pageSnippet({ server, app, namesApp, token, channel }: SnippetOptions): string {
  const options = {
    wsHost: server.hostname,
    wsPort: server.port,
    wssPort: server.port,
    // Left out, pusher-js would look for its HTTP transports at a host of pusher.com.
    httpHost: server.hostname,
    httpPort: server.port,
    httpsPort: server.port,
    ...(server.pathPrefix === '' ? {} : { wsPath: server.pathPrefix, httpPath: server.pathPrefix }),
    forceTLS: server.tls,
    cluster: '',
    enabledTransports: ['ws', 'wss', 'xhr_streaming', 'xhr_polling'],
    ...(token === undefined
      ? {}
      : {
          channelAuthorization: {
            transport: 'ajax',
            endpoint: `${server.origin}${server.pathPrefix}/broadcasting/auth`,
            headers: { Authorization: `Bearer ${token}` },
            ...(namesApp ? { params: { app_key: app.key } } : {}),
          },
        }),
  };
  return `<!doctype html>
<meta charset="utf-8">
<script src="https://cdn.jsdelivr.net/npm/pusher-js@${PUSHER_JS_VERSION}/dist/web/pusher.min.js"></script>
<body>
<script>
  const show = (line) => document.body.append(line, document.createElement('br'));
  const options = ${script(options)};
  const channel = ${text(channel)};
  const pusher = new Pusher(${text(app.key)}, options);
  show(pusher.connection.state);
  pusher.connection.bind('state_change', ({ current }) => show(current));
  pusher.connection.bind('error', ({ error }) => show('refused: ' + JSON.stringify(error?.data ?? error?.message)));
  pusher.subscribe(channel)
    .bind('pusher:subscription_succeeded', () => show('joined ' + channel))
    ${token === undefined ? REFUSED_BY_SERVER : REFUSED_BY_ENDPOINT}
    .bind_global((event, data) => event.startsWith('pusher') || show(event + ' ' + JSON.stringify(data)));
</script>`;
}

const REFUSED_BY_SERVER = `.bind('pusher:subscription_error', ({ error }) => {
      show('not allowed to join ' + channel + ': ' + error);
    })`;

/** pusher-js keeps the endpoint's reason to itself. */
const REFUSED_BY_ENDPOINT = `.bind('pusher:subscription_error', async ({ status }) => {
      const { endpoint, headers, params } = options.channelAuthorization;
      const { socket_id } = pusher.connection;
      const body = new URLSearchParams({ ...params, socket_id, channel_name: channel });
      const answer = await fetch(endpoint, { method: 'POST', headers, body }).catch((error) => error.message);
      show('not allowed to join ' + channel + ': ' + status + ' ' + (answer.text ? await answer.text() : answer));
    })`;

function text(value: string): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

function script(value: unknown): string {
  return JSON.stringify(value, null, 2)
    .replaceAll('<', '\\u003c')
    .replace(/^( *)"(\w+)":/gm, '$1$2:')
    .replaceAll('\n', '\n  ');
}
