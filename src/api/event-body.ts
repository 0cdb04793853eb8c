import type { App } from '../core/contracts/app.ts';
import { eventNameProblem, type Publisher, type ServerEvent } from '../core/delivery/publisher.ts';
import { printable } from '../protocol/channel-name.ts';
import { dataString, isJsonObject, type JsonObject, parseJson } from '../protocol/frames.ts';
import { isSocketId } from '../protocol/socket-id.ts';
import { Refusal } from './responses.ts';

/** The body of a POST as an object, whatever its content type says: libraries disagree on it. */
export function bodyObject(body: Buffer, example: string): JsonObject {
  const value = parseJson(body.toString('utf8'));
  if (isJsonObject(value)) return value;
  const wrong = value === undefined ? 'The body is not valid JSON' : 'The body is not a JSON object';
  throw new Refusal(400, `${wrong}: send one such as ${example}`);
}

/** The channels that an event names, or those of the users. */
export type Recipients = Pick<ServerEvent, 'channels' | 'isForUsers'>;

/**
 * An event as a backend wrote it, ready to publish; throws a Refusal of 400 or 413. `where` stands in front of the
 * sentence, to tell the events of a batch apart.
 */
export function eventOf(
  publisher: Publisher,
  app: App,
  fields: JsonObject,
  { channels, isForUsers }: Recipients,
  where = '',
): ServerEvent {
  const { name, data, socket_id: socketId } = fields;
  if (typeof name !== 'string') {
    throw new Refusal(400, `${where}${eventNameProblem(name, app.limits.maxEventNameLength)}`);
  }
  if (data === undefined || data === null) {
    throw new Refusal(400, `${where}An event needs data: a string, or a value whose JSON is sent`);
  }
  const text = dataString(data);
  if (text === undefined) throw new Refusal(400, `${where}The data is nested too deeply`);
  const event = { name, data: text, channels, isForUsers, socketId: excludedSocket(socketId, where) };
  const problem = publisher.problem(app, event);
  if (problem === undefined) return event;
  throw new Refusal(problem.reason === 'too_large' ? 413 : 400, where + problem.message);
}

function excludedSocket(socketId: unknown, where: string): string | undefined {
  if (socketId === undefined || socketId === null) return undefined;
  if (isSocketId(socketId)) return socketId;
  const given = typeof socketId === 'string' ? printable(socketId, 40) : typeof socketId;
  throw new Refusal(400, `${where}Invalid socket_id '${given}': it is a string such as 1234.5678`);
}
