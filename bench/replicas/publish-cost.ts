import { Redis } from 'ioredis';
import { PUBLISH } from '../../src/broker/redis/scripts/frames.ts';
import { KEEP_LOG, PUBLISH_EVENT, PUBLISH_KEPT_EVENT } from '../../src/broker/redis/scripts/log.ts';
import { type Argument, argumentsOf, type Step, scriptTexts } from '../../src/broker/redis/scripts/step.ts';
import { Keyspace } from '../../src/broker/redis/wire/keys.ts';
import { configSchema } from '../../src/config/schema.ts';
import { topicOf } from '../../src/core/contracts/topic.ts';
import { APP } from '../peers/contestants.ts';
import { EVENT, eventData } from '../support/load/trigger-request.ts';
import { readCpuMicroseconds } from '../support/process-usage.ts';
import { type Figure, figure } from '../support/report.ts';
import { RedisProcess } from './deployment.ts';

/** CPU of redis-server for one publish of a 250-byte frame to one node that listens, in microseconds. */
export interface PublishCost {
  readonly name: string;
  /** By how many commands were on their way at once, in the order of `PIPELINED`. */
  readonly cpuMicroseconds: readonly Figure[];
}

type Command = readonly [name: string, ...args: Argument[]];

interface Variant {
  readonly name: string;
  readonly channel: string;
  /** What is to be in Redis before. */
  readonly setUp: readonly Command[];
  readonly publish: Command;
}

const SLICES = 10;
const COMMANDS = 800;
/** Commands that Redis finds together: alone each is read and answered by itself; many share what the kernel does. */
export const PIPELINED = [1, 16, 200] as const;

/** No node takes part: a client that publishes and one that listens. Every message is counted. */
export async function measurePublishCost(): Promise<readonly PublishCost[]> {
  const redis = await RedisProcess.start();
  const publisher = new Redis({ host: '127.0.0.1', port: redis.port });
  const listener = new Redis({ host: '127.0.0.1', port: redis.port });
  try {
    for (const text of scriptTexts('single')) await publisher.script('LOAD', text);
    let received = 0;
    let due = 0;
    let allReceived: () => void = () => undefined;
    listener.on('message', () => {
      received += 1;
      if (received === due) allReceived();
    });
    const run = async (variant: Variant, commands: number, pipelined: number): Promise<number> => {
      due += commands;
      const arrival = new Promise<void>((resolve) => {
        allReceived = resolve;
      });
      const before = readCpuMicroseconds(redis.pid);
      for (let sent = 0; sent < commands; sent += pipelined) {
        const pipeline = publisher.pipeline();
        for (let index = 0; index < pipelined; index += 1) {
          pipeline.call(variant.publish[0], ...variant.publish.slice(1));
        }
        const replies = (await pipeline.exec()) ?? [];
        const wrong = replies.find(([error, clients]) => error !== null || clients !== 1);
        if (wrong !== undefined)
          throw wrong[0] ?? new Error(`${variant.name}: ${String(wrong[1])} listen where 1 does`);
      }
      await arrival;
      return (readCpuMicroseconds(redis.pid) - before) / commands;
    };
    const variants = publishVariants();
    for (const variant of variants) {
      for (const [name, ...args] of variant.setUp) await publisher.call(name, ...args);
      await listener.subscribe(variant.channel);
      // A log is then as long as it may be, and each further event drops the oldest.
      await run(variant, COMMANDS * 4, 200);
    }
    const costs = variants.map((variant) => ({ variant, slices: PIPELINED.map((): number[] => []) }));
    for (let slice = 0; slice < SLICES; slice += 1) {
      for (const { variant, slices } of costs) {
        for (const [index, pipelined] of PIPELINED.entries()) {
          slices[index]?.push(await run(variant, COMMANDS, pipelined));
        }
      }
    }
    return costs.map(({ variant, slices }) => ({ name: variant.name, cpuMicroseconds: slices.map(figure) }));
  } finally {
    publisher.disconnect();
    listener.disconnect();
    await redis.stop();
  }
}

function publishVariants(): Variant[] {
  const { resume } = configSchema.parse({ apps: [APP] });
  const keyspace = new Keyspace('bench:');
  const ageSeconds = resume.windowSeconds + resume.ackIntervalSeconds;
  const variant = (name: string, channel: string, how: 'plain' | 'unlogged' | 'cached' | 'logged'): Variant => {
    const topic = topicOf(APP.id, channel);
    const keys = keyspace.topic(topic);
    const commandOf = (
      step: Pick<Step<never, unknown>, 'command' | 'hash' | 'keys'>,
      args: readonly Argument[],
    ): Command => [step.command.single, ...argumentsOf(step, 'single', keys.of(step.keys), args)];
    const frame = JSON.stringify({ event: EVENT, channel, data: eventData(channel, 0, 1) });
    const bounds = [resume.maxEventsPerChannel, resume.maxBytesPerChannel, ageSeconds * 1_000_000];
    const publish = {
      plain: commandOf(PUBLISH, [`.${frame}`]),
      unlogged: commandOf(PUBLISH_EVENT, [`.${frame}`]),
      cached: commandOf(PUBLISH_KEPT_EVENT, ['.', frame, 1800, 0, 'epoch', ...bounds]),
      logged: commandOf(PUBLISH_EVENT, [`.${frame}`]),
    };
    return {
      name,
      channel: keys.channel,
      setUp: how === 'logged' ? [commandOf(KEEP_LOG, [ageSeconds * 1000, 'epoch', ...bounds])] : [],
      publish: publish[how],
    };
  };
  return [
    variant('PUBLISH alone', 'bench-plain', 'plain'),
    variant('an event, channel not logged', 'bench-unlogged', 'unlogged'),
    variant('an event, cache channel', 'cache-bench', 'cached'),
    variant('an event, logged channel', 'bench-logged', 'logged'),
  ];
}
