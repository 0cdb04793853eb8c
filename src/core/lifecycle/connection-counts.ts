import type { Connection } from '../connection/connection.ts';
import type { Metrics } from '../contracts/metrics.ts';

/** A connection is there from now on, by its transport and app. */
export function countOpened(metrics: Metrics, { socket, app }: Connection): void {
  metrics.connections.add(socket.transport);
  metrics.appConnections.add(app.id);
  metrics.connectionsOpened.add(socket.transport);
}

export function countGone(metrics: Metrics, { socket, app }: Connection): void {
  metrics.connections.add(socket.transport, -1);
  metrics.appConnections.add(app.id, -1);
}
