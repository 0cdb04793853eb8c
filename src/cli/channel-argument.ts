import type { App } from '../core/contracts/app.ts';
import { channelKind, channelNameProblem } from '../protocol/channel-name.ts';
import { CliFailure } from './context.ts';

/** A channel of the command line that `who` is to join; throws a CliFailure if it cannot be joined. */
export function mustBeJoinable(channel: string, app: App, who: string): void {
  const problem = channelNameProblem(channel, app.limits.maxChannelNameLength);
  if (problem !== undefined) throw new CliFailure(problem);
  if (channelKind(channel).encrypted) {
    throw new CliFailure(`${who} cannot decrypt, and ${channel} is end-to-end encrypted`);
  }
}
