import type { App, RewindRule } from '../contracts/app.ts';

/**
 * The first of the app's rules that a channel comes under; `*` at a pattern's end stands for any further characters.
 */
export function rewindRuleOf(app: App, channel: string): RewindRule | undefined {
  if (app.rewind.length === 0) return undefined;
  return app.rewind.find(({ channels }) =>
    channels.endsWith('*') ? channel.startsWith(channels.slice(0, -1)) : channel === channels,
  );
}
