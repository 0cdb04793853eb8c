import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isJsonObject } from '../protocol/frames.ts';
import type { ClusterTail } from './cluster-tail.ts';
import type { TailBatch } from './tail.ts';

/** A console that reads more slowly than this misses batches, and is told how many events that was. */
const MAX_TAIL_WAITING_BYTES = 256 * 1024;
/** Proxies end what is silent for too long. A console for which so much waits, and that has read none of it, is cut. */
const KEEP_ALIVE_MS = 15_000;

const BEHIND_ANOTHER = 'This connection serves another request: open a tail on one of its own';

/** `GET /api/tail?app&channel&event&internal`: batches as server-sent events, `{"entries":[…],"skipped":0}`. */
export function registerTail(
  server: FastifyInstance,
  tail: Pick<ClusterTail, 'open'>,
  keepAliveMs: number = KEEP_ALIVE_MS,
): void {
  server.get('/api/tail', { exposeHeadRoute: false }, async (request, reply) => {
    const { raw } = reply;
    // It has no socket yet, and if that went, nothing would tell.
    if (raw.socket === null) return reply.code(400).send({ error: BEHIND_ANOTHER });
    let missed = 0;
    let waitedBytes = 0;
    const take = ({ entries, skipped }: TailBatch) => {
      if (raw.writableLength > MAX_TAIL_WAITING_BYTES) {
        missed += entries.length + skipped;
        return;
      }
      raw.write(`data: ${JSON.stringify({ entries, skipped: skipped + missed })}\n\n`);
      missed = 0;
      waitedBytes = 0;
    };
    const end = tail.open(filterOf(request), take);
    if (end === undefined) return reply.code(429).send({ error: 'Too many tails are open: close one' });
    reply.hijack();
    raw.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    raw.write(': open\n\n');
    const timer = setInterval(() => {
      const { writableLength } = raw;
      if (writableLength <= MAX_TAIL_WAITING_BYTES) raw.write(': still open\n\n');
      else if (writableLength === waitedBytes) raw.destroy();
      waitedBytes = writableLength;
    }, keepAliveMs);
    raw.on('close', () => {
      clearInterval(timer);
      end();
    });
    return reply;
  });
}

function filterOf({ query }: FastifyRequest) {
  const text = (name: string): string => {
    const value = isJsonObject(query) ? query[name] : undefined;
    return typeof value === 'string' ? value.slice(0, 200) : '';
  };
  return { appId: text('app'), channel: text('channel'), event: text('event'), internal: text('internal') === '1' };
}
