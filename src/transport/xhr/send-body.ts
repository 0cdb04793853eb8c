import { parseJson } from '../../protocol/frames.ts';

/** pusher-js sends one at a time. */
const MAX_MESSAGES_OF_SEND = 100;

const RULE =
  'The body of a send must be a JSON array of strings, such as ["{\\"event\\":\\"pusher:ping\\",\\"data\\":{}}"]';

/** The messages of a send, or the sentence that says what is wrong with it. None: a heartbeat. */
export function messagesOf(body: Buffer): readonly string[] | string {
  const value = parseJson(body.toString('utf8'));
  if (!Array.isArray(value) || !value.every((message) => typeof message === 'string')) return RULE;
  if (value.length > MAX_MESSAGES_OF_SEND) return `A send may have at most ${MAX_MESSAGES_OF_SEND} messages`;
  return value;
}
