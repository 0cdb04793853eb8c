/** Of one channel: numbers from 1, each published once. */
export class ChannelLedger {
  /** Accepted with a 200; if a publish failed, nobody knows whether its number is there. */
  readonly accepted = new Set<number>();
  last = 0;
}

/** `helped`: resumable, by `fanfare/client`, which drops what comes again. */
export type ClientKind = 'plain' | 'resumable' | 'helped';

/** What one client has seen of one channel. */
export interface Sightings {
  readonly client: number;
  readonly channel: string;
  readonly kind: ClientKind;
  readonly firstSeenMs: Map<number, number>;
  /** Before which number something may be missing, as far as the server has said so. */
  readonly announcedGaps: { readonly after: number; before: number }[];
  maxSeen: number;
  duplicates: number;
  /** How long before the connection's end a repeated event had come first, at most. */
  oldestDuplicateMs: number;
  readonly outOfOrder: string[];
}

export function newSightings(client: number, channel: string, kind: ClientKind): Sightings {
  return {
    client,
    channel,
    kind,
    firstSeenMs: new Map(),
    announcedGaps: [],
    maxSeen: 0,
    duplicates: 0,
    oldestDuplicateMs: 0,
    outOfOrder: [],
  };
}

/** @param endedMs when the client's connection before this one ended; undefined on its first */
export function see(sightings: Sightings, number: number, nowMs: number, endedMs: number | undefined): void {
  const first = sightings.firstSeenMs.get(number);
  if (first !== undefined) {
    sightings.duplicates += 1;
    const ageMs = endedMs === undefined ? Number.POSITIVE_INFINITY : endedMs - first;
    sightings.oldestDuplicateMs = Math.max(sightings.oldestDuplicateMs, ageMs);
    return;
  }
  if (number < sightings.maxSeen) sightings.outOfOrder.push(`${number} after ${sightings.maxSeen}`);
  const gap = sightings.announcedGaps.at(-1);
  if (gap?.before === Number.POSITIVE_INFINITY && number > sightings.maxSeen) gap.before = number;
  sightings.firstSeenMs.set(number, nowMs);
  sightings.maxSeen = Math.max(sightings.maxSeen, number);
}

export function announceGap(sightings: Sightings): void {
  sightings.announcedGaps.push({ after: sightings.maxSeen, before: Number.POSITIVE_INFINITY });
}

export interface Verdict {
  /** Of resumable clients, helped ones among them, over all their channels. */
  readonly expected: number;
  readonly missed: readonly string[];
  readonly missedInAnnouncedGaps: number;
  readonly announcedGaps: number;
  /** What resumable clients without the helper saw again. */
  readonly duplicates: number;
  readonly oldestDuplicateMs: number;
  readonly duplicatesOfHelped: number;
  readonly outOfOrder: readonly string[];
  /** What plain clients have missed, for comparison. */
  readonly missedByPlain: number;
  readonly expectedByPlain: number;
}

/** Holds what was seen against what was published since the clients had subscribed. */
export function judge(all: readonly Sightings[], ledgers: ReadonlyMap<string, ChannelLedger>): Verdict {
  const missed: string[] = [];
  const outOfOrder: string[] = [];
  let [expected, missedInAnnouncedGaps, announcedGaps, duplicates, duplicatesOfHelped] = [0, 0, 0, 0, 0];
  let [oldestDuplicateMs, missedByPlain, expectedByPlain] = [0, 0, 0];
  for (const sightings of all) {
    const accepted = ledgers.get(sightings.channel)?.accepted ?? new Set<number>();
    const name = `client ${sightings.client} on ${sightings.channel}`;
    if (sightings.kind === 'plain') {
      expectedByPlain += accepted.size;
      for (const number of accepted) if (!sightings.firstSeenMs.has(number)) missedByPlain += 1;
      continue;
    }
    expected += accepted.size;
    for (const number of accepted) {
      if (sightings.firstSeenMs.has(number)) continue;
      const isAnnounced = sightings.announcedGaps.some(({ after, before }) => after < number && number < before);
      if (isAnnounced) missedInAnnouncedGaps += 1;
      else missed.push(`${name}: ${number}`);
    }
    announcedGaps += sightings.announcedGaps.length;
    if (sightings.kind === 'helped') duplicatesOfHelped += sightings.duplicates;
    else duplicates += sightings.duplicates;
    oldestDuplicateMs = Math.max(oldestDuplicateMs, sightings.oldestDuplicateMs);
    outOfOrder.push(...sightings.outOfOrder.map((what) => `${name}: ${what}`));
  }
  return {
    expected,
    missed,
    missedInAnnouncedGaps,
    announcedGaps,
    duplicates,
    oldestDuplicateMs,
    duplicatesOfHelped,
    outOfOrder,
    missedByPlain,
    expectedByPlain,
  };
}
