import { loadUws } from '../../src/transport/uws.ts';

/**
 * The limit to come close to: uWebSockets.js with as much of the Pusher protocol as the load client needs and nothing
 * besides: no signatures, no limits, no state of its own. A trigger is one `app.publish` for each channel.
 * Usage: bare-server.ts PORT
 */
interface Trigger {
  readonly name: string;
  readonly data: string;
  readonly channels: readonly string[];
}

interface ClientFrame {
  readonly event: string;
  readonly data: { readonly channel: string };
}

const uws = await loadUws(32_768);
const app = uws.App();
let connections = 0;

app.ws('/app/:key', {
  maxBackpressure: 16 * 1024 * 1024,
  idleTimeout: 120,
  open(socket) {
    connections += 1;
    const data = JSON.stringify({ socket_id: `1.${connections}`, activity_timeout: 120 });
    socket.send(JSON.stringify({ event: 'pusher:connection_established', data }));
  },
  message(socket, bytes) {
    const frame: ClientFrame = JSON.parse(Buffer.from(bytes).toString());
    if (frame.event === 'pusher:ping') {
      socket.send('{"event":"pusher:pong","data":{}}');
      return;
    }
    const { channel } = frame.data;
    socket.subscribe(channel);
    socket.send(JSON.stringify({ event: 'pusher_internal:subscription_succeeded', channel, data: '{}' }));
  },
});

app.post('/apps/:id/events', (response) => {
  const chunks: Buffer[] = [];
  response.onAborted(() => undefined);
  response.onData((bytes, isLast) => {
    chunks.push(Buffer.from(new Uint8Array(bytes)));
    if (!isLast) return;
    const { name, data, channels }: Trigger = JSON.parse(Buffer.concat(chunks).toString());
    for (const channel of channels) app.publish(channel, JSON.stringify({ event: name, channel, data }));
    response.end('{}');
  });
});

const port = Number(process.argv[2]);
app.listen('127.0.0.1', port, (listening) => {
  if (listening === false) throw new Error(`port ${port} is taken`);
});
