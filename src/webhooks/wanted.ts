import type { App, AppRegistry, WebhookEndpoint } from '../core/contracts/app.ts';
import type { Fact, FactKind, WantsFact } from '../core/contracts/outbox.ts';

/** A quick return cancels the going: whoever is told of the one needs to know of the other. */
const OPPOSITES: Readonly<Partial<Record<FactKind, FactKind>>> = Object.freeze({
  channel_occupied: 'channel_vacated',
  channel_vacated: 'channel_occupied',
  member_added: 'member_removed',
  member_removed: 'member_added',
});

/** Which facts some endpoint is told of, or could be told of if it were not for another one. */
export function wantsFact(apps: AppRegistry): WantsFact {
  return (kind, appId, channel) => {
    const app = apps.findById(appId);
    if (kind === 'user_online' || kind === 'user_offline') return (app?.statusChannels.length ?? 0) > 0;
    const webhooks = app?.webhooks;
    if (webhooks === undefined || webhooks.length === 0 || channel === undefined) return false;
    const opposite = OPPOSITES[kind];
    return webhooks.some((endpoint) => wants(endpoint, kind, channel) || wants(endpoint, opposite, channel));
  };
}

export function endpointsFor(app: App, { kind, channel }: Fact): readonly WebhookEndpoint[] {
  return app.webhooks.filter((endpoint) => wants(endpoint, kind, channel));
}

/** The server's own channels, whose names begin with #, are nobody's business. */
function wants(
  { events, channels }: WebhookEndpoint,
  kind: FactKind | undefined,
  channel: string | undefined,
): boolean {
  if (kind === undefined || channel === undefined || channel.startsWith('#')) return false;
  return events.some((event) => event === kind) && matches(channels, channel);
}

/** `chat`, `private-*` or `*-audit`. */
function matches(pattern: string, channel: string): boolean {
  if (pattern.endsWith('*')) return channel.startsWith(pattern.slice(0, -1));
  if (pattern.startsWith('*')) return channel.endsWith(pattern.slice(1));
  return channel === pattern;
}
