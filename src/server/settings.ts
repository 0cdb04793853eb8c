import type { Config } from '../config/schema.ts';
import type { App } from '../core/contracts/app.ts';
import type { CoreSettings } from '../core/create-core.ts';
import type { ReceiveLimits } from '../transport/receive-allowance.ts';
import type { WebSocketSettings } from '../transport/websocket.ts';
import type { XhrRequestsSettings } from '../transport/xhr/xhr-requests.ts';
import type { XhrTransportSettings } from '../transport/xhr/xhr-transport.ts';

/** JSON escapes may take three bytes for one, and around the data stands the rest of the message. */
export const ESCAPED = 3;
export const ENVELOPE_BYTES = 64 * 1024;

/** For a peer that was told to close, beyond what a silent one gets. */
const CLOSING_SECONDS = 15;

export function coreSettings({ connections, auth, resume }: Config): CoreSettings {
  return {
    activityTimeoutSeconds: connections.activityTimeoutSeconds,
    pingIntervalSeconds: connections.pingIntervalSeconds,
    pongTimeoutSeconds: connections.pongTimeoutSeconds,
    maxConnections: connections.max,
    maxConnectionsPerIp: connections.maxPerIp,
    newConnectionsPerMinutePerIp: connections.newPerMinutePerIp,
    maxWaitingBytes: connections.maxWaitingBytes,
    maxWaitingBytesOfNode: connections.maxWaitingBytesOfNode,
    maxWaitSeconds: connections.maxWaitSeconds,
    revocationSeconds: auth.revocationSeconds,
    closeOnTokenExpiry: auth.closeOnTokenExpiry,
    tokenToleranceSeconds: auth.enabled ? auth.jwt.clockToleranceSeconds : 0,
    resume,
  };
}

export function webSocketSettings(config: Config): WebSocketSettings {
  const { connections, tls } = config;
  return {
    ...receiveLimits(config),
    maxBackpressureBytes: connections.maxBackpressureBytes,
    slowReaderGraceSeconds: connections.slowReaderGraceSeconds,
    idleTimeoutSeconds: connections.pingIntervalSeconds + connections.pongTimeoutSeconds + CLOSING_SECONDS,
    compression: connections.compression,
    tls: tls !== undefined,
  };
}

function receiveLimits({ apps, connections }: Config): ReceiveLimits {
  return {
    maxMessageBytes: largest(apps, ({ limits }) => limits.maxEventBytes) * ESCAPED + ENVELOPE_BYTES,
    maxReceiveBytesPerSecond: connections.maxReceiveBytesPerSecond,
  };
}

/** JSON within a string of JSON: what waits for an HTTP session is up to twice as large as for a WebSocket. */
const ESCAPED_TWICE = 2;

export function xhrSettings(config: Config): XhrTransportSettings & XhrRequestsSettings {
  const { connections, fallback } = config;
  return {
    ...fallback,
    ...receiveLimits(config),
    maxSessionBytes: connections.maxBackpressureBytes * ESCAPED_TWICE,
    closingSeconds: connections.slowReaderGraceSeconds,
  };
}

export function largest(apps: readonly App[], size: (app: App) => number): number {
  return Math.max(...apps.map(size));
}
