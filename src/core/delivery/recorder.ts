import type { BrokerMessage } from '../contracts/broker.ts';

/** More than this of one topic is not recorded: a socket could not be sent it at once either. */
const MAX_RECORDED_CHARACTERS_OF_TOPIC = 4 * 1024 * 1024;
/** The recordings of all topics of this node together. */
const MAX_RECORDED_CHARACTERS = 64 * 1024 * 1024;

/** What one topic has been sent since the oldest of its recordings began. */
interface TopicRecord {
  messages: BrokerMessage[];
  /** How many were dropped from the front. */
  dropped: number;
  characters: number;
  /** In the order in which they began. */
  readonly recordings: Set<TopicRecording>;
}

/** What a topic's sockets are sent while one more is about to join it. */
export interface Recording {
  /** In the order in which it was sent; of a topic that lost something, what came since. */
  messages(): readonly BrokerMessage[];
  /** Something was missed meanwhile that the log no longer has. */
  readonly hasLost: boolean;
  /** More was sent than is recorded: the joiner cannot be given all of it. */
  readonly isOverfull: boolean;
  /** Every recording is to be stopped; twice does no harm. */
  stop(): void;
}

class TopicRecording implements Recording {
  hasLost = false;
  isOverfull = false;
  readonly #record: TopicRecord;
  readonly #stopped: (recording: TopicRecording) => void;
  from: number;

  constructor(record: TopicRecord, stopped: (recording: TopicRecording) => void) {
    this.#record = record;
    this.#stopped = stopped;
    this.from = record.dropped + record.messages.length;
  }

  messages(): readonly BrokerMessage[] {
    return this.#record.messages.slice(this.from - this.#record.dropped);
  }

  stop(): void {
    this.#stopped(this);
  }
}

/** Records what topics are sent during joins: what lies between a joiner's past and its first frame by itself. */
export class Recorder {
  readonly #records = new Map<string, TopicRecord>();
  readonly #maxTopicCharacters: number;
  #characters = 0;

  constructor(maxTopicCharacters = MAX_RECORDED_CHARACTERS_OF_TOPIC) {
    this.#maxTopicCharacters = maxTopicCharacters;
  }

  /** The size of all that is recorded now. */
  get characters(): number {
    return this.#characters;
  }

  begin(topic: string): Recording {
    let record = this.#records.get(topic);
    if (record === undefined) {
      record = { messages: [], dropped: 0, characters: 0, recordings: new Set() };
      this.#records.set(topic, record);
    }
    const recording = new TopicRecording(record, (stopped) => this.#stop(topic, stopped));
    record.recordings.add(recording);
    return recording;
  }

  /** The topic's sockets are sent a message. */
  add(message: BrokerMessage): void {
    if (this.#records.size === 0) return;
    const record = this.#records.get(message.topic);
    if (record === undefined) return;
    record.messages.push(message);
    this.#count(record, message.frame.length);
    if (record.characters <= this.#maxTopicCharacters && this.#characters <= MAX_RECORDED_CHARACTERS) return;
    for (const recording of record.recordings) recording.isOverfull = true;
    this.#restart(record);
  }

  /** The topic's subscribers have missed something for good: what was sent before it is of no use to a joiner. */
  lost(topic: string): void {
    const record = this.#records.get(topic);
    if (record === undefined) return;
    for (const recording of record.recordings) recording.hasLost = true;
    this.#restart(record);
  }

  #stop(topic: string, stopped: TopicRecording): void {
    const record = this.#records.get(topic);
    if (record === undefined || !record.recordings.delete(stopped)) return;
    const [oldest] = record.recordings;
    if (oldest === undefined) {
      this.#count(record, -record.characters);
      this.#records.delete(topic);
    } else {
      this.#dropBefore(record, oldest.from);
    }
  }

  #restart(record: TopicRecord): void {
    const end = record.dropped + record.messages.length;
    for (const recording of record.recordings) recording.from = end;
    this.#dropBefore(record, end);
  }

  #dropBefore(record: TopicRecord, from: number): void {
    const gone = record.messages.splice(0, from - record.dropped);
    record.dropped = from;
    for (const { frame } of gone) this.#count(record, -frame.length);
  }

  #count(record: TopicRecord, characters: number): void {
    record.characters += characters;
    this.#characters += characters;
  }
}
