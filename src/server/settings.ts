import { REPLAY_SHARE } from '../config/checks.ts';
import type { Config } from '../config/schema.ts';
import type { App } from '../core/contracts/app.ts';
import type { Retention } from '../core/contracts/shared-state.ts';
import type { CoreSettings } from '../core/create-core.ts';
import type { ReceiveLimits } from '../transport/receive-allowance.ts';
import type { WebSocketLimits, WebSocketSettings } from '../transport/websocket.ts';
import type { XhrRequestsSettings } from '../transport/xhr/xhr-requests.ts';
import type { XhrTransportSettings } from '../transport/xhr/xhr-transport.ts';

/** JSON escapes may take three bytes for one, and around the data stands the rest of the message. */
const ESCAPED = 3;
const ENVELOPE_BYTES = 64 * 1024;

/** What a subscription counts with, at most as a rule. */
const SUBSCRIPTION_BYTES = 1024;

/** For a peer that was told to close, beyond what a silent one gets. */
const CLOSING_SECONDS = 15;

export function coreSettings({ connections, auth, resume }: Config): CoreSettings {
  return {
    activityTimeoutSeconds: connections.activityTimeoutSeconds,
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

export function retention({ resume, connections }: Config): Retention {
  return {
    log: {
      maxEvents: resume.maxEventsPerChannel,
      // A reload may bring a larger log, and what it is to fit into waits for a restart.
      maxBytes: Math.min(resume.maxBytesPerChannel, connections.maxBackpressureBytes * REPLAY_SHARE),
      // A client that goes away has acknowledged only what is older than that.
      maxAgeSeconds: resume.windowSeconds + resume.ackIntervalSeconds,
    },
    sessionSeconds: resume.sessionSeconds,
    session: {
      maxChannels: resume.maxSessionChannels,
      maxBytes: resume.maxSessionBytes,
      maxBytesPerAddress: resume.maxSessionBytesPerAddress,
    },
  };
}

export function webSocketSettings({ apps, connections, tls }: Config): WebSocketSettings {
  return {
    maxMessageBytes: maxMessageBytes(apps),
    maxBackpressureBytes: connections.maxBackpressureBytes,
    idleTimeoutSeconds: connections.pingIntervalSeconds + connections.pongTimeoutSeconds + CLOSING_SECONDS,
    compression: connections.compression,
    tls: tls !== undefined,
  };
}

export function webSocketLimits(config: Config): WebSocketLimits {
  return { ...receiveLimits(config), slowReaderGraceSeconds: config.connections.slowReaderGraceSeconds };
}

function receiveLimits({ apps, connections }: Config): ReceiveLimits {
  const twoMessages = maxMessageBytes(apps) * 2;
  const maxReceiveBytesPerSecond = Math.max(connections.maxReceiveBytesPerSecond, twoMessages);
  // A client that comes back asks for all of its channels at once.
  const allChannels = largest(apps, ({ limits: { maxChannelsPerConnection: most } }) =>
    most === 0 ? maxReceiveBytesPerSecond : most * SUBSCRIPTION_BYTES,
  );
  const atOnce = Math.max(maxReceiveBytesPerSecond / 2, twoMessages, allChannels);
  return { maxReceiveBytesPerSecond, maxReceiveBytesAtOnce: Math.min(maxReceiveBytesPerSecond, atOnce) };
}

/** The largest message that a client may send. */
function maxMessageBytes(apps: readonly App[]): number {
  return largest(apps, ({ limits }) => limits.maxEventBytes) * ESCAPED + ENVELOPE_BYTES;
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

/** The largest body of a request to the HTTP API. */
export function maxApiBodyBytes({ apps }: Config): number {
  return largest(apps, ({ limits }) => limits.maxEventBytes * limits.maxBatchEvents) * ESCAPED + ENVELOPE_BYTES;
}

function largest(apps: readonly App[], size: (app: App) => number): number {
  return Math.max(...apps.map(size));
}
