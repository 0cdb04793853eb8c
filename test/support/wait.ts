import { setTimeout as pause } from 'node:timers/promises';

/** How long anything that is expected may take before its absence is a failure. */
export const LIMIT_MS = 5000;

/** The promise's result, or an error that says what did not happen in time. */
export async function within<T>(promise: Promise<T>, what: string | (() => string), limitMs = LIMIT_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(late(what, limitMs)));
    }, limitMs);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Returns once `check` holds; it is asked every few milliseconds, for what tells of no change by itself. */
export async function until(
  check: () => boolean | Promise<boolean>,
  what: string | (() => string),
  limitMs = LIMIT_MS,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(late(what, limitMs));
    await pause(10);
  }
}

function late(what: string | (() => string), limitMs: number): string {
  return `not within ${limitMs} ms: ${typeof what === 'string' ? what : what()}`;
}
