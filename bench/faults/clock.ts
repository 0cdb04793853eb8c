import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** libfaketime's library for programs with threads, or undefined if Debian's package `libfaketime` is not there. */
export function faketimeLibrary(): string | undefined {
  const directories = existsSync('/usr/lib') ? readdirSync('/usr/lib').filter((name) => name.includes('-linux-')) : [];
  return directories
    .map((name) => join('/usr/lib', name, 'faketime', 'libfaketimeMT.so.1'))
    .find((path) => existsSync(path));
}

/** The wall clock of one process, which jumps while it runs. Its monotonic clock goes on. */
export class JumpingClock {
  readonly #directory = mkdtempSync(join(tmpdir(), 'fanfare-clock-'));
  readonly #file = join(this.#directory, 'offset');

  constructor() {
    this.jump(0);
  }

  /** What the process has to be started with. */
  env(library: string): Record<string, string> {
    return {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** @param seconds how far from the machine's clock it is from now on */
  jump(seconds: number): void {
    // Written whole: the process reads the file each time it asks for the time.
    writeFileSync(`${this.#file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Whether redis-server runs with libfaketime at all: one that is built with jemalloc as a library does not start. */
export function runsRedis(library: string): boolean {
  const { status, stderr } = spawnSync('redis-server', ['--version'], {
    env: { ...process.env, LD_PRELOAD: library },
    encoding: 'utf8',
    timeout: 5000,
  });
  return status === 0 && !stderr.includes('Cannot recover');
}
