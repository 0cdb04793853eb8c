import type { CliContext } from './context.ts';

/** What the exit code adds to 128, by the shell's convention. */
const SIGNAL_NUMBERS: Readonly<Partial<Record<NodeJS.Signals, number>>> = Object.freeze({ SIGINT: 2, SIGTERM: 15 });

/**
 * One Ctrl-C arrives twice under npm: from the terminal, and passed on by npm. Nobody presses it again as soon as this.
 */
const SAME_SIGNAL_MS = 500;

export interface Stoppable {
  stop(): Promise<void>;
  /** Whether the server goes on after an error that nobody caught. */
  survives(error: unknown): boolean;
}

export interface StopOptions {
  /** A stop that takes longer than this has failed. */
  readonly limitMs: () => number;
  readonly now?: () => number;
}

/**
 * The first signal stops in good order and exits with 0, or 1 if that fails; another one later on exits at once. A
 * fault of the server stops in good order too, and exits with 1.
 */
export function stopInGoodOrder(
  context: CliContext,
  server: Stoppable,
  { limitMs, now = () => performance.now() }: StopOptions,
): void {
  let code = 0;
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    const ms = limitMs();
    const timer = setTimeout(() => {
      context.warn(`Stopping failed: it took longer than ${ms / 1000} s`);
      context.exit(1);
    }, ms);
    timer.unref();
    server
      .stop()
      .then(
        () => context.exit(code),
        (error: unknown) => {
          context.warn(`Stopping failed: ${error instanceof Error ? error.message : String(error)}`);
          context.exit(1);
        },
      )
      .finally(() => clearTimeout(timer));
  };

  let firstAt: number | undefined;
  context.onStopSignal((signal) => {
    if (firstAt !== undefined && now() - firstAt > SAME_SIGNAL_MS) context.exit(128 + (SIGNAL_NUMBERS[signal] ?? 0));
    firstAt ??= now();
    stop();
  });
  context.onUncaught((error) => {
    if (server.survives(error)) return;
    code = 1;
    stop();
  });
}
