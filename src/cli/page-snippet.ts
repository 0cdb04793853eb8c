import type { App } from '../core/contracts/app.ts';
import type { ServerUrl } from './server-url.ts';

export interface SnippetOptions {
  readonly server: ServerUrl;
  readonly app: App;
  /** Whether the authorization endpoint must be told which app is meant: there are several. */
  readonly namesApp: boolean;
  /** Of a user who may join the channel. */
  readonly token: string;
  readonly channel: string;
  readonly event: string;
}

/**
 * HTML to paste into any page: it connects with stock pusher-js, joins the channel and writes its events into the page.
 */
export function pageSnippet({ server, app, namesApp, token, channel, event }: SnippetOptions): string {
  const options = {
    wsHost: server.hostname.replace(/^\[|\]$/g, ''),
    wsPort: server.port,
    wssPort: server.port,
    ...(server.pathPrefix === '' ? {} : { wsPath: server.pathPrefix }),
    forceTLS: server.tls,
    cluster: '',
    enabledTransports: ['ws', 'wss'],
    channelAuthorization: {
      transport: 'ajax',
      endpoint: `${server.origin}${server.pathPrefix}/broadcasting/auth`,
      headers: { Authorization: `Bearer ${token}` },
      ...(namesApp ? { params: { app_key: app.key } } : {}),
    },
  };
  return `<script src="https://js.pusher.com/8.4.0/pusher.min.js"></script>
<script>
  const pusher = new Pusher(${text(app.key)}, ${script(options)});
  pusher.subscribe(${text(channel)}).bind(${text(event)}, (data) => {
    document.body.append(JSON.stringify(data), document.createElement('br'));
  });
</script>`;
}

function text(value: string): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

function script(value: unknown): string {
  return JSON.stringify(value, null, 2)
    .replaceAll('<', '\\u003c')
    .replace(/^( *)"(\w+)":/gm, '$1$2:')
    .replaceAll('\n', '\n  ');
}
