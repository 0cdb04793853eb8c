import { setTimeout as delay } from 'node:timers/promises';
import { SignedApi } from '../../test/support/signed-api.ts';
import { Backend } from '../chaos/backend.ts';
import { CHAOS_APP, ChaosClient } from '../chaos/client.ts';
import { ChannelLedger, judge } from '../chaos/ledger.ts';
import { quiet } from '../chaos/quiet.ts';
import { Hosts, NODE_PORT, NODES, type NodeName } from './hosts.ts';
import { Member, ROOM } from './member.ts';
import { ADDRESSES, type Network } from './network.ts';
import type { Scenario } from './scenarios.ts';
import type { Outcome } from './table.ts';

export interface TrialOptions {
  /** With fanfare/client, on each node. */
  readonly clients: number;
  /** Of the presence channel, on each node. */
  readonly members: number;
  /** Triggers a second, over all channels. */
  readonly eventsPerSecond: number;
  /** How long it may take until all is normal again. */
  readonly recoverySeconds: number;
  /** Path of libfaketime, if it is there. */
  readonly faketime: string | undefined;
}

/** Of each node, one public and one private. */
const CHANNELS = NODES.flatMap((node) => [
  { node, channel: `from-${node}` },
  { node, channel: `private-from-${node}` },
]);
const PROBES = NODES.map((node) => ({ node, channel: `probes-of-${node}` }));
const SETTLE_MS = 60_000;
const PROBE_MS = 5000;
const POLL_MS = 100;

/** One fault, and what stock clients and backends see of it. */
export class Trial {
  readonly #options: TrialOptions;
  readonly #ledgers = new Map([...CHANNELS, ...PROBES].map(({ channel }) => [channel, new ChannelLedger()]));
  readonly #backend = new Backend();
  readonly #refused: Record<number, number> = {};
  #clients: ChaosClient[] = [];
  #members = new Map<string, Member>();

  constructor(options: TrialOptions) {
    this.#options = options;
  }

  async run(network: Network, scenario: Scenario): Promise<Outcome> {
    const hosts = await Hosts.start(network, scenario, this.#options.faketime);
    const stop = new AbortController();
    try {
      this.#connect();
      await this.#until(async () => this.#areSubscribed() && (await this.#wrongPresence()).length === 0, SETTLE_MS);
      const publishers = CHANNELS.map(({ node, channel }) => this.#publish(node, channel, stop.signal));
      await delay(2000);
      scenario.begin(hosts);
      await delay(scenario.seconds * 1000);
      hosts.heal();
      const secondsUntilNormal = await this.#recover(hosts);
      stop.abort();
      await Promise.all(publishers);
      await quiet(this.#clients);
      const sightings = this.#clients.flatMap((client) => [...client.sightings.values()]);
      const verdict = judge(sightings, this.#ledgers);
      const isAcknowledged = (channel: string, what: string) =>
        this.#ledgers.get(channel)?.accepted.has(Number.parseInt(what, 10)) ?? false;
      // A trigger that was refused may still be carried out, after those that its backend sent next.
      const outOfOrder = sightings.flatMap(({ client, channel, outOfOrder }) =>
        outOfOrder
          .filter((what) => isAcknowledged(channel, what))
          .map((what) => `client ${client} on ${channel}: ${what}`),
      );
      return {
        ...verdict,
        outOfOrder,
        refusedAndLate: verdict.outOfOrder.length - outOfOrder.length,
        name: scenario.name,
        what: scenario.what,
        seconds: scenario.seconds,
        accepted: [...this.#ledgers.values()].reduce((sum, { accepted }) => sum + accepted.size, 0),
        refused: this.#refused,
        reconnects: this.#clients.reduce((sum, { reconnects }) => sum + reconnects, 0),
        secondsUntilNormal,
        wrongPresence: await this.#wrongPresence(),
      };
    } finally {
      stop.abort();
      for (const client of [...this.#clients, ...this.#members.values()]) client.disconnect();
      this.#backend.close();
      await hosts.stop();
    }
  }

  #connect(): void {
    const channels = [...this.#ledgers.keys()];
    for (const node of NODES) {
      const host = ADDRESSES[node];
      for (let nth = 0; nth < this.#options.clients; nth += 1) {
        this.#clients.push(new ChaosClient(this.#clients.length, NODE_PORT, channels, 'helped', host));
      }
      for (let nth = 0; nth < this.#options.members; nth += 1) {
        const id = `${node}-${nth}`;
        this.#members.set(id, new Member(id, host, NODE_PORT));
      }
    }
  }

  /** One after another, each after the answer to the one before: only so is there an order to keep. */
  async #publish(node: NodeName, channel: string, signal: AbortSignal): Promise<void> {
    const intervalMs = (1000 * CHANNELS.length) / this.#options.eventsPerSecond;
    while (!signal.aborted) {
      await this.#trigger(node, channel);
      await delay(intervalMs * (0.5 + Math.random()));
    }
  }

  /** The event's number, or undefined if it was not accepted. */
  async #trigger(node: NodeName, channel: string): Promise<number | undefined> {
    const ledger = this.#ledgers.get(channel);
    if (ledger === undefined) throw new Error(`no ledger of ${channel}`);
    ledger.last += 1;
    const number = ledger.last;
    const status = await this.#backend.trigger(ADDRESSES[node], NODE_PORT, channel, number);
    if (status === 200) {
      ledger.accepted.add(number);
      return number;
    }
    this.#refused[status] = (this.#refused[status] ?? 0) + 1;
    return undefined;
  }

  /** How many seconds it took until all was as before, or undefined if that took too long. */
  async #recover(hosts: Hosts): Promise<number | undefined> {
    const healedMs = performance.now();
    const deadline = healedMs + this.#options.recoverySeconds * 1000;
    while (performance.now() < deadline) {
      const isNormal =
        this.#areSubscribed() &&
        (await hosts.areReady()) &&
        (await this.#doProbesArrive()) &&
        (await this.#wrongPresence()).length === 0;
      if (isNormal) return (performance.now() - healedMs) / 1000;
      await delay(POLL_MS);
    }
    return undefined;
  }

  /** Whether an event that is triggered now on each node reaches every client. */
  async #doProbesArrive(): Promise<boolean> {
    const arrived = await Promise.all(
      PROBES.map(async ({ node, channel }) => {
        const number = await this.#trigger(node, channel);
        if (number === undefined) return false;
        const hasArrived = () =>
          this.#clients.every(({ sightings }) => sightings.get(channel)?.firstSeenMs.has(number));
        return await this.#isTrueWithin(hasArrived, PROBE_MS);
      }),
    );
    return arrived.every(Boolean);
  }

  #areSubscribed(): boolean {
    return [...this.#clients, ...this.#members.values()].every(({ isSubscribed }) => isSubscribed);
  }

  /** Whose list of the presence channel is not what it should be: of the nodes, and of the members. */
  async #wrongPresence(): Promise<string[]> {
    const truth = [...this.#members.keys()].sort().join();
    const wrong: string[] = [];
    for (const [id, { seen }] of this.#members) {
      if (seen.join() !== truth) wrong.push(`member ${id} sees ${seen.join() || 'nobody'}`);
    }
    for (const node of NODES) {
      const listed = await listedBy(node);
      if (listed !== truth) wrong.push(`${node} lists ${listed}`);
    }
    return wrong;
  }

  async #until(check: () => Promise<boolean>, limitMs: number): Promise<void> {
    if (!(await this.#isTrueWithin(check, limitMs))) throw new Error(`clients did not settle within ${limitMs} ms`);
  }

  async #isTrueWithin(check: () => boolean | Promise<boolean>, limitMs: number): Promise<boolean> {
    const deadline = performance.now() + limitMs;
    while (!(await check())) {
      if (performance.now() > deadline) return false;
      await delay(20);
    }
    return true;
  }
}

/** The ids that a node's HTTP API lists, sorted; or why it does not. */
async function listedBy(node: NodeName): Promise<string> {
  const origin = `http://${ADDRESSES[node]}:${NODE_PORT}`;
  const api = new SignedApi({ ...CHAOS_APP, origin, wsOrigin: origin, appId: CHAOS_APP.id });
  try {
    const { status, json } = await api.get(`/channels/${ROOM}/users`);
    if (status !== 200) return `nothing: ${status}`;
    return (json as { users: { id: string }[] }).users
      .map(({ id }) => id)
      .sort()
      .join();
  } catch (error) {
    return `nothing: ${error instanceof Error ? error.message : String(error)}`;
  }
}
