import type { HttpResponse } from '../core/contracts/http.ts';
import { topicOf } from '../core/contracts/topic.ts';
import type { ServerEvent } from '../core/delivery/publisher.ts';
import { isJsonObject } from '../protocol/frames.ts';
import { type ApiCall, takeQuota } from './api-call.ts';
import { bodyObject, eventOf } from './event-body.ts';
import { COUNT_ATTRIBUTES, channelInfo, type InfoAttribute, infoAttributes } from './info-attributes.ts';
import { DONE, json, Refusal } from './responses.ts';

const EXAMPLE = '{"batch":[{"name":"message.sent","channel":"private-chat","data":"{}"}]}';

interface BatchItem {
  readonly event: ServerEvent;
  readonly channel: string;
  readonly wanted: ReadonlySet<InfoAttribute>;
}

/**
 * POST /apps/{id}/batch_events: `{}`, or if any event asks for info `{"batch":[{…},{},…]}`. One bad event refuses
 * the batch before anything is published. (HTTP API: batch events)
 */
export async function postBatchEvents(call: ApiCall): Promise<HttpResponse> {
  const { app, deps } = call;
  const items = itemsOf(call);
  if (items.length === 0) return DONE;
  await takeQuota(call, 'triggers', items.length);
  const events = items.map((item) => item.event);
  const asking = items.filter((item) => item.wanted.size > 0);
  if (asking.length === 0) {
    await deps.publisher.publish(app, events);
    return DONE;
  }
  // Counted before: a failure after the events went out would make the backend send them again.
  const counts = await deps.roster.counts(asking.map((item) => topicOf(app.id, item.channel)));
  const counted = new Map(asking.map((item, index) => [item, counts[index]]));
  await deps.publisher.publish(app, events);
  return json({ batch: items.map((item) => channelInfo(item.channel, item.wanted, counted.get(item))) });
}

function itemsOf(call: ApiCall): BatchItem[] {
  const { batch } = bodyObject(call.body, EXAMPLE);
  if (!Array.isArray(batch)) throw new Refusal(400, `A batch needs a list of events: ${EXAMPLE}`);
  const { maxBatchEvents } = call.app.limits;
  if (batch.length > maxBatchEvents) {
    throw new Refusal(400, `Batch too large: ${batch.length} events; the limit is ${maxBatchEvents}`);
  }
  return batch.map((fields: unknown, index) => itemOf(call, fields, `batch[${index}]: `));
}

function itemOf(call: ApiCall, fields: unknown, where: string): BatchItem {
  if (!isJsonObject(fields)) throw new Refusal(400, `${where}An event of a batch is a JSON object`);
  const { channel } = fields;
  if (typeof channel !== 'string') {
    throw new Refusal(400, `${where}An event of a batch needs channel, the name of a single one`);
  }
  const event = eventOf(call.deps.publisher, call.app, fields, { channels: [channel] }, where);
  return { event, channel, wanted: wantedOf(fields.info, where) };
}

function wantedOf(info: unknown, where: string): ReadonlySet<InfoAttribute> {
  try {
    return infoAttributes(info, COUNT_ATTRIBUTES);
  } catch (error) {
    throw error instanceof Refusal ? new Refusal(error.status, where + error.message) : error;
  }
}
