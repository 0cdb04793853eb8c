import { readNothing } from './replies.ts';
import { command } from './step.ts';

/** Publishes a message that is not logged (messages.ts). */
export const PUBLISH = command({ single: 'publish', sharded: 'spublish' }, 'channel', ['message'], readNothing);
