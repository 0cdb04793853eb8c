import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import PusherServer from 'pusher';
import type { Test } from 'tap';

export interface ReceivedEvent {
  readonly name: string;
  readonly channel: string;
  readonly user_id?: string;
  readonly id: string;
  readonly [more: string]: unknown;
}

export interface Receipt {
  readonly atMs: number;
  readonly timeMs: number;
  readonly events: readonly ReceivedEvent[];
}

/** A backend with the official library: what it does not find valid is a complaint. */
export class WebhookReceiver {
  readonly url: string;
  /** What was answered with a 2xx. */
  readonly receipts: Receipt[] = [];
  readonly complaints: string[] = [];
  requests = 0;
  /** What each request asked for. */
  readonly asked: string[] = [];
  /** What the next requests are answered; a 200 if there is nothing here. `hang` is never. */
  readonly answers: (number | 'hang')[] = [];
  /** What all requests are answered meanwhile; `reset`: their connection is cut. */
  down: number | 'hang' | 'reset' | undefined;

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${port}/hooks`;
  }

  static async start(t: Test, app: { readonly key: string; readonly secret: string }): Promise<WebhookReceiver> {
    const library = new PusherServer({ appId: '1', key: app.key, secret: app.secret, host: 'unused.invalid' });
    const server = createServer((request, response) => {
      bodyOf(request)
        .then((body) => {
          const answer = receiver.#take(library, request, body);
          if (answer === 'reset') request.socket.destroy();
          if (typeof answer === 'string') return;
          const location = answer >= 300 && answer < 400 ? { location: `${receiver.url}/elsewhere` } : {};
          response.writeHead(answer, location).end('what anyone says here is read by nobody');
        })
        .catch((error: unknown) => receiver.complaints.push(String(error)));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const receiver = new WebhookReceiver((server.address() as AddressInfo).port);
    t.teardown(() => {
      server.close();
      server.closeAllConnections();
    });
    return receiver;
  }

  events(): ReceivedEvent[] {
    return this.receipts.flatMap(({ events }) => events);
  }

  /** `name channel user` of each, in their order. */
  said(): string[] {
    return this.events().map(({ name, channel, user_id: user }) => [name, channel, user].filter(Boolean).join(' '));
  }

  #take(library: PusherServer, request: IncomingMessage, rawBody: string): number | 'hang' | 'reset' {
    this.requests += 1;
    const { headers, method, url = '' } = request;
    this.asked.push(url);
    const hook = library.webhook({ headers: headers as Record<string, string>, rawBody });
    if (!hook.isValid()) this.complaints.push(`not valid: ${rawBody}`);
    if (method !== 'POST' || url.split('?')[0] !== '/hooks') this.complaints.push(`${method} ${url}`);
    const answer = this.down ?? this.answers.shift() ?? 200;
    if (answer === 200 || answer === 204) {
      const events = hook.getEvents() as unknown as ReceivedEvent[];
      this.receipts.push({ atMs: performance.now(), timeMs: hook.getTime().getTime(), events });
    }
    return answer;
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}
