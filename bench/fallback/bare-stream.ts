import type { HttpResponse } from 'uWebSockets.js';
import { bareApp, type ClientFrame, listen, readBody, type Trigger } from '../support/bare-app.ts';

/**
 * The limit to come close to: uWebSockets.js that writes what pusher-js reads over HTTP streaming as bare chunked
 * responses, with as much of the protocol as the load client needs. It keeps nothing for a reader that falls behind or
 * comes back, knows no limits and never ends a response. What one turn of the event loop brings is one chunk.
 * Usage: bare-stream.ts PORT
 */
const app = await bareApp();
const streams = new Map<string, HttpResponse>();
const channels = new Map<string, Set<HttpResponse>>();
const due = new Map<string, string>();
let connections = 0;

const line = (message: object): string => `a[${JSON.stringify(JSON.stringify(message))}]\n`;

function flush(): void {
  for (const [channel, lines] of due) {
    const bytes = Buffer.from(lines);
    for (const response of channels.get(channel) ?? []) response.cork(() => response.write(bytes));
  }
  due.clear();
}

function publish(channel: string, text: string): void {
  if (due.size === 0) setImmediate(flush);
  due.set(channel, (due.get(channel) ?? '') + text);
}

app.post('/pusher/app/:key/:server/:session/xhr_streaming', (response, request) => {
  const session = request.getParameter('session') ?? '';
  response.onAborted(() => {
    streams.delete(session);
    for (const subscribers of channels.values()) subscribers.delete(response);
  });
  connections += 1;
  streams.set(session, response);
  const data = JSON.stringify({ socket_id: `1.${connections}`, activity_timeout: 120 });
  response.cork(() => response.write(`o\n${line({ event: 'pusher:connection_established', data })}`));
});

app.post('/pusher/app/:key/:server/:session/xhr_send', (response, request) => {
  const stream = streams.get(request.getParameter('session') ?? '');
  readBody(response, (body) => {
    const [text = '{}']: string[] = JSON.parse(body);
    const frame: ClientFrame = JSON.parse(text);
    response.cork(() => response.writeStatus('204 No Content').endWithoutBody());
    if (stream === undefined) return;
    const { channel } = frame.data;
    const isPing = frame.event === 'pusher:ping';
    if (!isPing) channels.set(channel, (channels.get(channel) ?? new Set()).add(stream));
    const answer = isPing
      ? { event: 'pusher:pong', data: {} }
      : { event: 'pusher_internal:subscription_succeeded', channel, data: '{}' };
    stream.cork(() => stream.write(line(answer)));
  });
});

app.post('/apps/:id/events', (response) => {
  readBody(response, (body) => {
    const { name, data, channels: names }: Trigger = JSON.parse(body);
    for (const channel of names) publish(channel, line({ event: name, channel, data }));
    response.end('{}');
  });
});

listen(app);
