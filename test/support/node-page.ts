import { runInThisContext } from 'node:vm';
import type { ClientPage } from './chromium.ts';
import { Pusher } from './pusher-client.ts';
import { LIMIT_MS, within } from './wait.ts';

/** What a test says to stock clients, be they in a browser's page or in this process. */
export type ClientSide = Pick<ClientPage, 'run' | 'reported' | 'expose'>;

/** pusher-js for Node behind the same face as a page of a browser; the scripts are run in this process. */
export function openNodeSide(): ClientSide {
  const unread: { name: string; data: unknown }[] = [];
  let wake: () => void = () => undefined;
  const report = (name: string, data: unknown) => {
    unread.push({ name, data });
    wake();
  };
  const take = (name: string) => {
    const index = unread.findIndex((entry) => entry.name === name);
    return index < 0 ? undefined : unread.splice(index, 1)[0];
  };
  Object.assign(globalThis, { Pusher, report });
  return {
    run: async (script) => await runInThisContext(script),
    expose: async (name, callback) => {
      Object.assign(globalThis, { [name]: async (...args: never[]) => await callback(...args) });
    },
    reported: async (name, limitMs = LIMIT_MS) => {
      const arrival = new Promise<unknown>((resolve) => {
        wake = () => {
          const entry = take(name);
          if (entry !== undefined) resolve(entry.data);
        };
        wake();
      });
      const said = () => `the report of ${name}; what was said: ${JSON.stringify(unread).slice(0, 2000)}`;
      return await within(arrival, said, limitMs);
    },
  };
}
