import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { ReloadOutcome } from '../core/contracts/reload.ts';
import type { CliContext } from './context.ts';

export interface Reloadable {
  reload(): Promise<ReloadOutcome>;
}

/** Editors write a file in several steps. */
const SETTLE_MS = 150;

/**
 * Reloads on SIGHUP, and if a rules file is given, whenever that changes. What a reload did is in the server's log.
 *
 * @param rulesFile watched in development only: in production a file that is half copied must not take effect
 */
export function reloadOnDemand(context: CliContext, server: Reloadable, rulesFile: string | undefined): void {
  const reload = () => {
    server.reload().catch((error: unknown) => {
      context.warn(`The reload failed: ${error instanceof Error ? error.message : String(error)}`);
    });
  };
  context.onReloadSignal(reload);
  if (rulesFile !== undefined) watchFile(rulesFile, reload, context);
}

/** Its folder, as many editors put a new file in the place of the old one. */
function watchFile(file: string, changed: () => void, context: CliContext): void {
  let timer: NodeJS.Timeout | undefined;
  let watcher: FSWatcher;
  try {
    watcher = watch(dirname(file), (_, name) => {
      if (name !== basename(file)) return;
      clearTimeout(timer);
      timer = setTimeout(changed, SETTLE_MS);
    });
  } catch (error) {
    context.warn(`${file} is not watched: ${error instanceof Error ? error.message : String(error)}`);
    return;
  }
  watcher.on('error', (error) => context.warn(`${file} is not watched any more: ${error.message}`));
  watcher.unref();
}
