import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ConfigInput } from '../../src/config/schema.ts';
import { RUN_TYPESCRIPT } from '../../test/support/typescript.ts';
import { until, within } from '../../test/support/wait.ts';
import type { Holdings, Order } from './node.ts';

const SCRIPT = fileURLToPath(new URL('node.ts', import.meta.url));
const START_MS = 60_000;
const ANSWER_MS = 30_000;

/** A node in a process of its own that can be asked what it holds. */
export class SoakNode {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Resolves once the node is ready for traffic. */
  static async start(settings: ConfigInput): Promise<SoakNode> {
    const execArgv = [RUN_TYPESCRIPT, '--expose-gc'];
    const child = fork(SCRIPT, [JSON.stringify(settings)], { execArgv });
    process.once('exit', () => child.kill('SIGKILL'));
    const [port] = (await within(once(child, 'message'), 'a node listens', START_MS)) as [number];
    const node = new SoakNode(child, port);
    const isReady = async () => (await fetch(`http://127.0.0.1:${port}/ready`)).ok;
    await until(isReady, 'the node is ready', START_MS);
    return node;
  }

  async holdings(): Promise<Holdings> {
    return (await this.#ask('measure')) as Holdings;
  }

  async reload(): Promise<void> {
    const { problems } = (await this.#ask('reload')) as { problems: readonly string[] };
    if (problems.length > 0) throw new Error(`a reload failed: ${problems.join('; ')}`);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.send('stop' satisfies Order);
    await within(ended, 'the node stops', ANSWER_MS);
  }

  /** One order at a time: the answers carry no names. */
  async #ask(order: Order): Promise<unknown> {
    const answer = once(this.#child, 'message');
    this.#child.send(order);
    const [message] = await within(answer, `the node answers to ${order}`, ANSWER_MS);
    return message as unknown;
  }
}
