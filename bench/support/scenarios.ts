import type { LoadJob } from './load/load-run.ts';

/** A ratio of two contestants' figures that the project has set itself. */
export interface Target {
  readonly of: ContestantName;
  readonly to: ContestantName;
  readonly comparison: 'at most' | 'at least';
  readonly bound: number;
}

export type ContestantName = 'bare' | 'soketi' | 'fanfare';

export interface Scenario {
  readonly name: 'triggers-cold' | 'fan-out' | 'fan-out-single' | 'triggers' | 'triggers-connecting';
  readonly title: string;
  /** What the server's CPU is divided by. */
  readonly unit: 'delivery' | 'trigger';
  readonly load: Pick<
    LoadJob,
    'channel' | 'subscribers' | 'publishers' | 'isPaced' | 'isKeptAlive' | 'warmUpEvents' | 'events'
  >;
  /** Measured before anything else was asked of the server, as a node is met after a deploy. */
  readonly isCold?: boolean;
  readonly targets: readonly Target[];
}

export interface ScenarioSizes {
  readonly subscribers: number;
  readonly events: number;
  readonly triggers: number;
  readonly inFlight: number;
}

/**
 * How many events are under way at once decides what a delivery costs: one at a time, each delivery is a write of its
 * own for every server, and the kernel's part of it is the larger; with many, a server may put several frames into one
 * write.
 */
export function scenarios({ subscribers, events, triggers, inFlight }: ScenarioSizes): readonly Scenario[] {
  const fanOut = { channel: 'bench-fan-out', subscribers, isPaced: true, isKeptAlive: true };
  const trigger = { channel: 'bench-triggers', subscribers: 1, publishers: inFlight, isPaced: false, events: triggers };
  const cold = Math.min(triggers, COLD_TRIGGERS);
  return [
    {
      name: 'triggers-cold',
      title: `Triggers, cold: the first ${cold} after the start, ${inFlight} keep-alive connections`,
      unit: 'trigger',
      isCold: true,
      load: { ...trigger, isKeptAlive: true, warmUpEvents: 0, events: cold },
      targets: [],
    },
    {
      name: 'fan-out',
      title: `Fan-out to ${subscribers} subscribers of one channel, ${inFlight} events under way`,
      unit: 'delivery',
      load: { ...fanOut, publishers: inFlight, warmUpEvents: Math.ceil(events / 4), events },
      targets: [
        { of: 'fanfare', to: 'bare', comparison: 'at most', bound: 1.1 },
        { of: 'soketi', to: 'fanfare', comparison: 'at least', bound: 6 },
      ],
    },
    {
      name: 'fan-out-single',
      title: `Fan-out to ${subscribers} subscribers of one channel, one event at a time`,
      unit: 'delivery',
      load: { ...fanOut, publishers: 1, warmUpEvents: Math.ceil(events / 20), events: Math.ceil(events / 2) },
      targets: [{ of: 'fanfare', to: 'bare', comparison: 'at most', bound: 1.1 }],
    },
    {
      name: 'triggers',
      title: `Triggers, warm, with one subscriber, ${inFlight} keep-alive connections`,
      unit: 'trigger',
      load: { ...trigger, isKeptAlive: true, warmUpEvents: Math.ceil(triggers / 2) },
      targets: [{ of: 'fanfare', to: 'soketi', comparison: 'at most', bound: 0.4 }],
    },
    {
      name: 'triggers-connecting',
      title: `Triggers, warm, with one subscriber, ${inFlight} at once, a new connection for each`,
      unit: 'trigger',
      load: { ...trigger, isKeptAlive: false, warmUpEvents: Math.ceil(triggers / 10) },
      targets: [],
    },
  ];
}

export const COLD_TRIGGERS = 2000;
/**
 * A trigger costs a new process several times what it costs a warm one, and the engine goes on compiling for longer
 * than one would think: after 2,000 triggers through Redis, one still cost three times the warm figure.
 */
const WARM_UP_TRIGGERS = 20_000;

/** What every server is made to do before anything but its cold triggers is measured. */
export function warmUp(): Scenario['load'] {
  const connections = { publishers: 16, isPaced: false, isKeptAlive: true };
  return { channel: 'bench-warm-up', subscribers: 1, ...connections, warmUpEvents: 0, events: WARM_UP_TRIGGERS };
}
