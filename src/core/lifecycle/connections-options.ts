import type { AppRegistry } from '../contracts/app.ts';
import type { Broker } from '../contracts/broker.ts';
import type { ChannelLog } from '../contracts/channel-log.ts';
import type { Logger } from '../contracts/logger.ts';
import type { Quotas } from '../contracts/quotas.ts';
import type { Roster } from '../contracts/roster.ts';
import type { SessionStore } from '../contracts/session-store.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { ResumeSettings } from '../resume/resume.ts';
import type { LivenessSettings } from './liveness.ts';
import type { NodeLimits } from './node-capacity.ts';

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
