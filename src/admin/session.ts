import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isJsonObject } from '../protocol/frames.ts';
import { type Access, isForeignPage, SESSION_COOKIE, type Visitor } from './access.ts';

/** What the checks look at of a request. */
export function visitorOf({ socket, headers }: FastifyRequest): Visitor {
  return { remoteAddress: socket.remoteAddress ?? '', headers };
}

/** Guards `/api`, and serves the way in: `GET /session`, `POST /login` with `{"token"}`, `POST /logout`. */
export function registerSession(server: FastifyInstance, access: Access): void {
  server.addHook('onRequest', async (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    if (request.method !== 'GET' && request.method !== 'HEAD' && isForeignPage(visitorOf(request))) {
      return reply.code(403).send({ error: 'A page of another site may not do this' });
    }
    if (!path.startsWith('/api/')) return;
    const verdict = access.check(visitorOf(request));
    if (!verdict.allowed) return reply.code(verdict.status).send({ error: verdict.message });
  });

  server.get('/session', async (request) => {
    const verdict = access.check(visitorOf(request));
    return {
      needsToken: access.needsToken,
      allowed: verdict.allowed,
      ...(verdict.allowed ? {} : { reason: verdict.message }),
    };
  });

  server.post('/login', async (request, reply) => {
    const token = isJsonObject(request.body) ? request.body.token : undefined;
    if (typeof token !== 'string') return reply.code(400).send({ error: 'Send {"token":"…"}' });
    const verdict = access.login(token, request.socket.remoteAddress ?? '');
    if (!verdict.allowed) return reply.code(verdict.status).send({ error: verdict.message });
    const { value, maxAgeSeconds } = access.newSession();
    reply.header('Set-Cookie', cookie(value, maxAgeSeconds, request));
    return { allowed: true };
  });

  server.post('/logout', async (request, reply) => {
    reply.header('Set-Cookie', cookie('', 0, request));
    return { allowed: false };
  });
}

function cookie(value: string, maxAgeSeconds: number, { headers }: FastifyRequest): string {
  const secure = headers['x-forwarded-proto'] === 'https' ? '; Secure' : '';
  return `${SESSION_COOKIE}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict${secure}`;
}
