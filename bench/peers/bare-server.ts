import { bareApp, type ClientFrame, listen, readBody, type Trigger } from '../support/bare-app.ts';

/**
 * The limit to come close to: uWebSockets.js with as much of the Pusher protocol as the load client needs and nothing
 * besides: no signatures, no limits, no state of its own. A trigger is one `app.publish` for each channel.
 * Usage: bare-server.ts PORT
 */
const app = await bareApp();
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
  readBody(response, (body) => {
    const { name, data, channels }: Trigger = JSON.parse(body);
    for (const channel of channels) app.publish(channel, JSON.stringify({ event: name, channel, data }));
    response.end('{}');
  });
});

listen(app);
