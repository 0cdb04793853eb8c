import type { Cluster } from '../core/cluster/cluster.ts';
import type { Connection } from '../core/connection/connection.ts';
import type { JsonObject } from '../protocol/frames.ts';
import { type ConnectionStory, type ConnectionSummary, storyOf, summaryOf } from './connection-view.ts';
import type { Happenings } from './happenings.ts';

export interface ConnectionQuery {
  readonly appId: string;
  /** A part of the socket id, the address or a user's id. */
  readonly search: string;
  /** Empty: any. */
  readonly channel: string;
}

export interface FoundConnections {
  readonly total: number;
  readonly connections: readonly ConnectionSummary[];
}

export interface ClusterQueriesDependencies {
  readonly cluster: Cluster;
  readonly connections: Iterable<Connection>;
  readonly happenings: Happenings;
  /** Closes a connection of this node. */
  readonly disconnect: (connection: Connection) => void;
}

const MAX_CONNECTIONS_SHOWN = 100;

/** What the console asks about connections, of every node. */
export class ClusterQueries {
  readonly #deps: ClusterQueriesDependencies;

  constructor(dependencies: ClusterQueriesDependencies) {
    this.#deps = dependencies;
    const { cluster } = dependencies;
    cluster.answer('connections', (params) => this.#connectionsHere(params as unknown as ConnectionQuery));
    cluster.answer('story', ({ socketId }) => this.#storyHere(String(socketId)));
    cluster.answer('disconnect', ({ socketId }) => this.#disconnectHere(String(socketId)));
  }

  async connections(query: ConnectionQuery): Promise<FoundConnections> {
    const answers = (await this.#deps.cluster.ask('connections', query as unknown as JsonObject)) as FoundConnections[];
    const connections = answers.flatMap((answer) => answer.connections);
    connections.sort((a, b) => b.openedAtMs - a.openedAtMs);
    const total = answers.reduce((sum, answer) => sum + answer.total, 0);
    return { total, connections: connections.slice(0, MAX_CONNECTIONS_SHOWN) };
  }

  /** What is known of an open connection, or remembered of one that has ended. */
  async story(
    socketId: string,
  ): Promise<ConnectionStory | Pick<ConnectionStory, 'socketId' | 'happenings'> | undefined> {
    const answers = (await this.#deps.cluster.ask('story', { socketId })) as ConnectionStory[];
    return answers.find(({ open }) => open) ?? answers[0];
  }

  /** Whether there was such a connection. */
  async disconnect(socketId: string): Promise<boolean> {
    const answers = await this.#deps.cluster.ask('disconnect', { socketId });
    return answers.includes(true);
  }

  #find(socketId: string): Connection | undefined {
    for (const connection of this.#deps.connections) if (connection.socketId === socketId) return connection;
    return undefined;
  }

  #connectionsHere({ appId, search, channel }: ConnectionQuery): FoundConnections {
    const connections: ConnectionSummary[] = [];
    let total = 0;
    for (const connection of this.#deps.connections) {
      if (connection.app.id !== appId) continue;
      if (channel !== '' && !connection.subscriptions.has(channel)) continue;
      if (search !== '' && !isFound(connection, search)) continue;
      total += 1;
      if (connections.length < MAX_CONNECTIONS_SHOWN) connections.push(summaryOf(connection, this.#deps.cluster.id));
    }
    return { total, connections };
  }

  #storyHere(socketId: string): unknown {
    const { cluster, happenings } = this.#deps;
    const connection = this.#find(socketId);
    const happened = happenings.of(socketId);
    if (connection !== undefined) return storyOf(connection, cluster.id, happened);
    return happened.length === 0 ? undefined : { socketId, node: cluster.id, open: false, happenings: happened };
  }

  #disconnectHere(socketId: string): true | undefined {
    const connection = this.#find(socketId);
    if (connection === undefined) return undefined;
    this.#deps.disconnect(connection);
    return true;
  }
}

function isFound({ socketId, ip, userIds, user }: Connection, search: string): boolean {
  if (socketId.includes(search) || ip.includes(search) || user?.id.includes(search) === true) return true;
  for (const id of userIds) if (id.includes(search)) return true;
  return false;
}
