#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { dotEnv } from './cli/dot-env.ts';
import { runCli } from './cli/program.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

let outlivesOutput = false;

// `fanfare listen … | head` closes the pipe: whoever read it has what they wanted. A server goes on.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (outlivesOutput) return;
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

/**
 * Node waits for terminals. One that was stopped by Ctrl-S would hold up whoever writes to it: the server for a
 * warning, and the end of the process for a log line that a thread writes. Files and pipes have no such switch or need
 * none.
 */
function neverWait(stream: NodeJS.WriteStream & { _handle?: { setBlocking(blocks: boolean): void } }): void {
  if (stream.isTTY) stream._handle?.setBlocking(false);
}

const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));

/** Whether a terminal that this process was started in has been closed. */
function hasLostTerminal(): boolean {
  return terminals.some((descriptor) => !isatty(descriptor));
}

Object.assign(process.env, dotEnv(process.cwd(), process.env));

process.exitCode = await runCli(process.argv.slice(2), version, {
  env: process.env,
  cwd: process.cwd(),
  isTerminal: process.stdout.isTTY === true,
  print: (line) => process.stdout.write(`${line}\n`),
  warn: (line) => process.stderr.write(`${line}\n`),
  outliveOutput: () => {
    outlivesOutput = true;
    for (const stream of [process.stdout, process.stderr]) neverWait(stream);
  },
  onStopSignal: (stop) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  },
  onUncaught: (fault) => {
    process.on('uncaughtException', fault);
    process.on('unhandledRejection', fault);
    // Told already. Without a listener Node writes a line to stderr, for each promise of a rule that is awaited late.
    process.on('rejectionHandled', () => undefined);
  },
  onReloadSignal: (reload) => {
    // It means two things. A server that outlived its terminal would keep the port, and nobody would see it.
    process.on('SIGHUP', () => (hasLostTerminal() ? process.kill(process.pid, 'SIGTERM') : reload()));
  },
  exit: (code) => process.exit(code),
});
