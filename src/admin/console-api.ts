import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Cluster } from '../core/cluster/cluster.ts';
import type { App, AppRegistry } from '../core/contracts/app.ts';
import type { Explain } from '../core/contracts/explanation.ts';
import type { Reload } from '../core/contracts/reload.ts';
import type { Roster } from '../core/contracts/roster.ts';
import { topicOf } from '../core/contracts/topic.ts';
import type { Publisher } from '../core/delivery/publisher.ts';
import { channelKind, channelNameProblem } from '../protocol/channel-name.ts';
import { isJsonObject, type JsonObject } from '../protocol/frames.ts';
import type { ClusterQueries } from './cluster-queries.ts';
import { type History, SAMPLE_SECONDS, type Sample } from './history.ts';

export interface ConsoleDependencies {
  readonly apps: AppRegistry;
  readonly publisher: Publisher;
  readonly roster: Roster;
  readonly history: History;
  readonly cluster: Cluster;
  readonly queries: ClusterQueries;
  /** Closes a user's connections on every node. */
  readonly terminate: (app: App, userId: string) => Promise<void>;
  /** Undefined if this server does not authorize. */
  readonly explain: () => Explain | undefined;
  /** Reads the configuration anew; undefined where nothing says from where. */
  readonly reload: Reload | undefined;
}

/** A request that cannot be served as it is: `statusCode` is what Fastify answers. */
class BadRequest extends Error {
  readonly statusCode: number;

  constructor(message: string, statusCode = 400) {
    super(message);
    this.statusCode = statusCode;
  }
}

const MAX_CHANNELS_SHOWN = 200;
const MAX_MEMBERS_SHOWN = 500;

/**
 * The console's API, below `/api`: JSON in and out, errors as `{"error":"a sentence"}`. Who may use it is decided
 * before.
 */
export function registerConsoleApi(server: FastifyInstance, deps: ConsoleDependencies): void {
  const { apps, roster, history, cluster, queries, publisher } = deps;

  cluster.answer('history', ({ node }) => (node === cluster.id ? history.samples : undefined));
  server.get('/api/overview', async ({ query }) => ({
    node: cluster.id,
    apps: apps.all().map(({ id, key, enabled }) => ({ id, key, enabled })),
    nodes: cluster.nodes(),
    sampleSeconds: SAMPLE_SECONDS,
    samples: text(query, 'brief') === '' ? await samplesOf(deps, text(query, 'node')) : [],
    canExplain: deps.explain() !== undefined,
    canReload: deps.reload !== undefined,
  }));

  server.get('/api/channels', async (request) => {
    const { app, search } = { app: appOf(apps, request), search: text(request.query, 'search') };
    const found = await roster.channels(app.id, '');
    const matching = [...found].filter(([name]) => !name.startsWith('#') && name.includes(search));
    matching.sort(([a, x], [b, y]) => y.subscriptionCount - x.subscriptionCount || a.localeCompare(b));
    const shown = matching.slice(0, MAX_CHANNELS_SHOWN).map(([name, counts]) => ({ name, ...kindOf(name), ...counts }));
    return { total: matching.length, channels: shown };
  });

  server.get('/api/channel', async (request) => {
    const app = appOf(apps, request);
    const name = channelOf(app, text(request.query, 'channel'));
    const topic = topicOf(app.id, name);
    const kind = channelKind(name);
    const [[counts], userIds, subscribers] = await Promise.all([
      roster.counts([topic]),
      kind.access === 'presence' ? roster.userIds(topic) : [],
      queries.connections({ appId: app.id, search: '', channel: name }),
    ]);
    const members = { total: userIds.length, ids: userIds.slice(0, MAX_MEMBERS_SHOWN) };
    return { name, ...kindOf(name), ...counts, members, subscribers };
  });

  server.get('/api/connections', async (request) => {
    const app = appOf(apps, request);
    return await queries.connections({ appId: app.id, search: text(request.query, 'search'), channel: '' });
  });

  server.get('/api/connection', async (request) => {
    const story = await queries.story(text(request.query, 'socketId'));
    if (story === undefined) throw new BadRequest('No node knows of this connection, or not any more', 404);
    return story;
  });

  server.post('/api/events', async (request) => {
    const body = bodyOf(request);
    const app = appNamed(apps, text(body, 'app'));
    const event = { name: text(body, 'name'), channels: [text(body, 'channel')], data: text(body, 'data') };
    const sent = { ...event, socketId: undefined };
    const problem = publisher.problem(app, sent);
    if (problem !== undefined) throw new BadRequest(problem.message);
    await publisher.publish(app, [sent]);
    return { sent: true };
  });

  server.post('/api/explain', async (request) => {
    const explain = deps.explain();
    if (explain === undefined) throw new BadRequest('This server does not authorize: auth.enabled is false', 404);
    const body = bodyOf(request);
    const socketId = text(body, 'socketId') || '1.1';
    const appId = text(body, 'app') || undefined;
    return await explain({
      appId,
      channel: text(body, 'channel'),
      token: text(body, 'token').trim(),
      socketId,
      ip: request.ip,
    });
  });

  server.post('/api/disconnect', async (request) => {
    const body = bodyOf(request);
    const socketId = text(body, 'socketId');
    if (socketId !== '') return { closed: await queries.disconnect(socketId) };
    const userId = text(body, 'userId');
    if (userId === '') throw new BadRequest('Say whom to disconnect: userId, or socketId for one connection');
    await deps.terminate(appNamed(apps, text(body, 'app')), userId);
    return { closed: true };
  });

  server.post('/api/reload', async () => {
    if (deps.reload === undefined) throw new BadRequest('This server was not started by the command line', 404);
    return await deps.reload();
  });
}

/** What a node has done in the last minutes; this one's if none is named. */
async function samplesOf({ cluster, history }: ConsoleDependencies, node: string): Promise<readonly Sample[]> {
  if (node === '' || node === cluster.id) return history.samples;
  const [samples] = (await cluster.ask('history', { node })) as Sample[][];
  return samples ?? [];
}

function kindOf(name: string) {
  const { access, encrypted, cache } = channelKind(name);
  return { access, encrypted, cache };
}

function appOf(apps: AppRegistry, request: FastifyRequest): App {
  return appNamed(apps, text(request.query, 'app'));
}

/** The one that is named, or the first. */
function appNamed(apps: AppRegistry, id: string): App {
  const app = id === '' ? apps.all()[0] : apps.findById(id);
  if (app === undefined) throw new BadRequest(`There is no app '${id}'`, 404);
  return app;
}

function channelOf(app: App, name: string): string {
  const problem = channelNameProblem(name, app.limits.maxChannelNameLength);
  if (problem !== undefined) throw new BadRequest(problem);
  return name;
}

function bodyOf({ body }: FastifyRequest): JsonObject {
  if (!isJsonObject(body)) throw new BadRequest('The body must be a JSON object');
  return body;
}

/** A text among parameters; empty if there is none. */
function text(from: unknown, name: string): string {
  const value = isJsonObject(from) ? from[name] : undefined;
  return typeof value === 'string' ? value : '';
}
