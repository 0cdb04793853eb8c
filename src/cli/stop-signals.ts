import type { CliContext } from './context.ts';

/** What the exit code adds to 128, by the shell's convention. */
const SIGNAL_NUMBERS: Readonly<Partial<Record<NodeJS.Signals, number>>> = Object.freeze({ SIGINT: 2, SIGTERM: 15 });

/**
 * One Ctrl-C arrives twice under npm: from the terminal, and passed on by npm. Nobody presses it again as soon as this.
 */
const SAME_SIGNAL_MS = 500;

/** The first signal stops in good order and exits with 0, or 1 where that fails; another one later on exits at once. */
export function stopOnSignals(context: CliContext, stop: () => Promise<void>, now = () => performance.now()): void {
  let firstAt: number | undefined;
  context.onStopSignal((signal) => {
    if (firstAt !== undefined) {
      if (now() - firstAt > SAME_SIGNAL_MS) context.exit(128 + (SIGNAL_NUMBERS[signal] ?? 0));
      return;
    }
    firstAt = now();
    stop().then(
      () => context.exit(0),
      (error: unknown) => {
        context.warn(`Stopping failed: ${error instanceof Error ? error.message : String(error)}`);
        context.exit(1);
      },
    );
  });
}
