import type { AppRegistry } from './app.ts';
import type { Broker } from './broker.ts';
import type { ChannelLog } from './channel-log.ts';
import type { Delivery } from './delivery.ts';
import type { LivenessSettings } from './liveness.ts';
import type { Logger } from './logger.ts';
import type { NodeLimits } from './node-capacity.ts';
import type { Quotas } from './quotas.ts';
import type { ResumeSettings } from './resume.ts';
import type { Roster } from './roster.ts';
import type { SessionStore } from './session-store.ts';

export interface ConnectionsSettings extends LivenessSettings, NodeLimits {
  /** What clients are told: after so long without a message they send a ping. */
  readonly activityTimeoutSeconds: number;
  /** Close a connection with 4200 when a token ends that one of its signatures was given for. */
  readonly closeOnTokenExpiry: boolean;
  readonly resume: ResumeSettings;
}

export interface ConnectionsDependencies {
  readonly settings: ConnectionsSettings;
  readonly apps: AppRegistry;
  readonly broker: Broker;
  readonly roster: Roster;
  readonly quotas: Quotas;
  readonly log: ChannelLog;
  readonly sessionStore: SessionStore;
  readonly delivery: Delivery;
  readonly logger: Logger;
}
