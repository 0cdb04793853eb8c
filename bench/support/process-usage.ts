import { readdirSync, readFileSync } from 'node:fs';

/**
 * CPU time, user and system, that all threads of a process have used since it started, in microseconds. Read from
 * `/proc/PID/task/*\/schedstat`: nanoseconds, where `/proc/PID/stat` counts in ticks of 10 ms, which is coarse beside a
 * measurement of a second. Linux only; throws elsewhere, and when the process is gone.
 */
export function readCpuMicroseconds(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  let nanoseconds = 0;
  for (const thread of readdirSync(tasks)) {
    nanoseconds += Number(readFileSync(`${tasks}/${thread}/schedstat`, 'latin1').split(' ', 1)[0]);
  }
  if (!Number.isFinite(nanoseconds)) throw new Error(`${tasks} holds no readable schedstat`);
  return nanoseconds / 1000;
}

/** What a process has in memory, in bytes. Linux only. */
export function readResidentBytes(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status holds no VmRSS`);
  return Number(kilobytes) * 1024;
}
