/**
 * What Redis holds, each under the name of what it belongs to. `wire/keys.ts` makes keys of these; a change of what one
 * means is a change of LAYOUT there.
 *
 * Of a topic:
 * - `channel`: its pub/sub channel (messages.ts)
 * - `counts` hash: incarnation -> subscriptions there
 * - `sockets` hash: presence channel's socket id -> `incarnation userId`
 * - `members` hash: presence channel's user id -> `connections info`
 * - `version` string: number of the last change of members
 * - `cached` string: a cache channel's last event
 * - `told` zset: what is published once, by when, in microseconds
 * - `log` hash and `stream`: the recent events (log.ts)
 *
 * Of an app and a bucket: `occupied` hash: channel -> `subscriptions users`.
 *
 * Of a bucket: `facts` stream: what has happened and has not been told yet; `outbox` hash: how many bytes that is, how
 * many facts were dropped, and who reads them (outbox.ts).
 *
 * Of a user, by the watch topic: `counts`, incarnation -> signed-in connections, and `version`, the number of the last
 * time that the user came online or went offline. `channel` carries both. `status` hash: as what the user was last told
 * of, and where that is told (user-status.ts).
 *
 * Of a sixteenth of an app's idempotency keys: `requests` hash: a key's digest -> what became of its request, and their
 * `total`; `requestsKept` zset: the digests by the time until which they are remembered, in milliseconds (requests.ts).
 *
 * Of a sixteenth of an app's revoked tokens and users, by their digests: `revoked` hash: when, in seconds;
 * `revokedUntil` zset: until when, in milliseconds (revocations.ts).
 *
 * Of an app's webhooks that were given up: `givenUp` hash: `note ID` and `batch ID`, both JSON, and the bytes of them
 * all as `total`; `givenUpAt` zset: ids by when they were kept, in milliseconds (given-up.ts).
 *
 * Of an app: `counts`, incarnation -> client connections; `allowance` hash: what backends have taken in one second.
 *
 * Of a session that can be resumed: `session` hash: the socket id that owns it, the node that has that socket, what was
 * saved, and whether two pages share it.
 *
 * Of a client's address: `sessionsLeft` zset: the sessions that it is charged for, by when it was last; `sessionBytes`
 * hash: session -> what it takes, and their `total`.
 *
 * Of an incarnation of a node: `holdings` hash: what it may have entries under, each the kind of entry and its name, ->
 * number of its listing.
 *
 * Of all nodes together: `leases` zset: live incarnations by the time at which their lease ends, in milliseconds;
 * `ended` zset: dead ones by the time until which one node has taken it on itself to remove what they held.
 */
export type KeyName =
  | 'allowance'
  | 'cached'
  | 'channel'
  | 'counts'
  | 'ended'
  | 'facts'
  | 'givenUp'
  | 'givenUpAt'
  | 'holdings'
  | 'leases'
  | 'log'
  | 'members'
  | 'occupied'
  | 'outbox'
  | 'requests'
  | 'requestsKept'
  | 'revoked'
  | 'revokedUntil'
  | 'session'
  | 'sessionBytes'
  | 'sessionsLeft'
  | 'sockets'
  | 'status'
  | 'stream'
  | 'told'
  | 'version';
