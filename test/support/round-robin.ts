import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

export interface RoundRobin {
  readonly origin: string;
  /** Paths of the requests that came, without their queries, and when. */
  readonly requests: readonly { readonly call: string; readonly atMs: number }[];
  /** Ports of loopback, taken in turn for each request. */
  ports: readonly number[];
}

/** A balancer that knows nothing of sessions: each request goes to the next server. */
export async function startRoundRobin(t: Test, ports: readonly number[]): Promise<RoundRobin> {
  const requests: { call: string; atMs: number }[] = [];
  let turn = 0;
  const server = createServer((incoming, outgoing) => {
    const { url = '/', method, headers } = incoming;
    requests.push({ call: url.split('?', 1)[0]?.split('/').at(-1) ?? '', atMs: performance.now() });
    turn += 1;
    const port = balancer.ports[turn % balancer.ports.length];
    const passed = request({ host: '127.0.0.1', port, path: url, method, headers, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      outgoing.flushHeaders();
      answer.pipe(outgoing);
      answer.on('error', () => outgoing.destroy());
    });
    passed.on('error', () => {
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(502).end();
    });
    outgoing.on('close', () => passed.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const balancer: RoundRobin = { origin, requests, ports };
  return balancer;
}
