import formbody from '@fastify/formbody';
import Fastify, { type FastifyInstance } from 'fastify';
import { type Test, test } from 'tap';
import type { HttpRequest } from '../../src/core/contracts/http.ts';
import { fastifyEndpoint } from '../../src/transport/fastify-bridge.ts';

const FORM = 'application/x-www-form-urlencoded';

async function serve(t: Test, build: (fastify: FastifyInstance) => void) {
  const fastify = Fastify({ logger: false, bodyLimit: 1000 });
  fastify.register(formbody);
  build(fastify);
  await fastify.ready();
  t.teardown(() => fastify.close());
  const endpoint = fastifyEndpoint(fastify);
  return async ({ headers = {}, body = '', ...asked }: Asked = {}) => {
    const known = new Map(
      Object.entries({ ...headers, ...(body === '' ? {} : { 'content-length': `${body.length}` }) }),
    );
    const request = { method: 'GET', path: '/', fullPath: '', query: '', ip: '203.0.113.9', ...asked };
    return await endpoint({ ...request, headers: known, body: Buffer.from(body) } as HttpRequest);
  };
}

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

test('a route sees the request as the client sent it, and its address', async (t) => {
  const ask = await serve(t, (fastify) => {
    fastify.post('/a/:id', async ({ params, query, headers, body, ip, method, url }) => {
      return { params, query, origin: headers.origin, body, ip, method, url };
    });
  });
  const headers = { 'content-type': FORM, origin: 'https://a.example', connection: 'keep-alive' };
  const answer = await ask({ method: 'POST', path: '/a/7', query: 'b=c', headers, body: 'd=%C3%A9&e=f' });
  t.equal(answer.status, 200);
  t.strictSame(JSON.parse(answer.body), {
    params: { id: '7' },
    query: { b: 'c' },
    origin: 'https://a.example',
    body: { d: 'é', e: 'f' },
    ip: '203.0.113.9',
    method: 'POST',
    url: '/a/7?b=c',
  });
});

test('the answer is handed on with its headers, but none that are about a connection', async (t) => {
  const ask = await serve(t, (fastify) => {
    fastify.get('/', async (_, reply) => {
      reply.code(201).header('Set-Cookie', ['a=1', 'b=2']).header('X-One', 'é').header('Connection', 'close');
      return reply.send('text');
    });
    fastify.get('/none', async (_, reply) => reply.code(204).send());
    fastify.get('/buffer', async () => Buffer.from('bytes'));
  });
  const answer = await ask();
  t.equal(answer.status, 201);
  t.equal(answer.body, 'text');
  t.strictSame(answer.headers, [
    ['set-cookie', 'a=1'],
    ['set-cookie', 'b=2'],
    ['x-one', 'é'],
    ['content-type', 'text/plain; charset=utf-8'],
  ]);
  t.match(await ask({ path: '/none' }), { status: 204, body: '' });
  t.match(await ask({ path: '/buffer' }), { status: 200, body: 'bytes' });
});

test('an async route may send by its reply and return that', async (t) => {
  let isOver = false;
  const ask = await serve(t, (fastify) => {
    fastify.get('/', async (_, reply) => {
      const returned = reply.code(403).send({ error: 'no' });
      queueMicrotask(() => {
        isOver = reply.sent;
      });
      return returned;
    });
  });
  t.match(await ask(), { status: 403, body: '{"error":"no"}' });
  t.ok(isOver, 'Fastify knows that it was answered');
});

test("Fastify's own refusals arrive", async (t) => {
  const ask = await serve(t, (fastify) => {
    fastify.post('/', async () => 'never');
    fastify.get('/', async () => {
      throw new Error('thrown');
    });
  });
  const json = { 'content-type': 'application/json' };
  t.equal((await ask({ path: '/nowhere' })).status, 404);
  t.equal((await ask({ path: '/%zz' })).status, 400);
  t.match(await ask(), { status: 500, body: /thrown/ });
  t.equal((await ask({ method: 'POST', headers: json, body: '{' })).status, 400);
  t.equal((await ask({ method: 'POST', headers: json, body: `"${'x'.repeat(1000)}"` })).status, 413);
  t.equal((await ask({ method: 'POST', headers: { 'content-type': 'image/png' }, body: 'x' })).status, 415);
  t.match(await ask({ method: 'BREW' }), { status: 405, body: /BREW/ });
});

test('a response that is given up, or is a stream, is an error and no silence', async (t) => {
  const ask = await serve(t, (fastify) => {
    fastify.get('/', (_, reply) => {
      reply.raw.on('error', () => undefined).destroy(new Error('given up'));
    });
    fastify.get('/stream', (_, reply) => {
      try {
        reply.raw.write('x');
      } catch (error) {
        reply.raw.destroy(error instanceof Error ? error : undefined);
      }
    });
  });
  await t.rejects(ask(), { message: 'given up' });
  await t.rejects(ask({ path: '/stream' }), { message: /cannot be a stream/ });
});
