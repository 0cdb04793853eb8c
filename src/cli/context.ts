/** What a command may use of the process, so that it can be run apart from one. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Whether somebody reads the output. */
  readonly isTerminal: boolean;
  /** Results go here, a line each. */
  print(line: string): void;
  /** Everything that is not a result. */
  warn(line: string): void;
  /** From now on, output that nobody takes any more does not end the process. */
  outliveOutput(): void;
  /** Calls back on SIGINT and SIGTERM. */
  onStopSignal(stop: (signal: NodeJS.Signals) => void): void;
  /** Calls back on an error that nobody caught, in the context in which it was left behind. */
  onUncaught(fault: (error: unknown) => void): void;
  /** Calls back on SIGHUP, unless it tells of a terminal that was closed: that one stops. */
  onReloadSignal(reload: () => void): void;
  /** Milliseconds since 1970; the clock by default. */
  readonly now?: () => number;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** What ends a command with a sentence for its user; exit code 1. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure';
}
