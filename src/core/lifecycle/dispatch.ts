import { printable } from '../../protocol/channel-name.ts';
import { type ClientFrame, decodeFrame, PONG_FRAME } from '../../protocol/frames.ts';
import type { Connection } from '../connection/connection.ts';
import type { ConnectionTasks, Work } from '../connection/connection-tasks.ts';
import type { Message } from '../connection/packed-messages.ts';
import { CLIENT_EVENT_PREFIX, type ClientEvents } from '../subscriptions/client-events.ts';
import type { SignIn } from '../subscriptions/sign-in.ts';
import type { Subscriptions } from '../subscriptions/subscriptions.ts';

const SUBSCRIBE = 'pusher:subscribe';
/** As stock clients write it: what begins so need not be decoded before its turn. */
const SUBSCRIBE_HEAD = `{"event":"${SUBSCRIBE}",`;

/** To carry out a message of so many characters takes twice as long as a short one. */
const CHARACTERS_LIKE_A_MESSAGE = 10_000;

export interface DispatchDependencies {
  readonly tasks: ConnectionTasks;
  readonly subscriptions: Subscriptions;
  readonly signIn: SignIn;
  readonly clientEvents: ClientEvents;
}

/** The dispatch table of the wire: what each frame of a client sets going, and in which turn. */
export class Dispatch {
  readonly #deps: DispatchDependencies;

  constructor(dependencies: DispatchDependencies) {
    this.#deps = dependencies;
  }

  /** A text frame. @param nowMs of the node's coarse clock */
  take(connection: Connection, text: string, nowMs: number): void {
    if (!connection.tasks.idle && !connection.isParting && text.startsWith(SUBSCRIBE_HEAD)) {
      this.#wait(connection, text, nowMs, SUBSCRIBE);
      return;
    }
    const frame = decodeFrame(text);
    if (typeof frame === 'string') {
      connection.sendError(null, frame);
      return;
    }
    if (connection.isParting) return;
    switch (frame.event) {
      // Answered out of turn: it asks whether the server lives, not whether its shared state does.
      case 'pusher:ping':
        connection.send(PONG_FRAME);
        return;
      case 'pusher:pong':
        return;
      case SUBSCRIBE:
      case 'pusher:unsubscribe':
      case 'pusher:signin':
        this.#enqueue(connection, frame, text, nowMs);
        return;
      default:
        if (frame.event.startsWith(CLIENT_EVENT_PREFIX)) {
          // What is refused for its size need not wait for that.
          const isLarge = text.length > connection.app.limits.maxEventBytes;
          if (isLarge && this.#deps.clientEvents.refuseTooLarge(connection, frame)) return;
          this.#enqueue(connection, frame, text, nowMs);
        } else {
          const message = `Unknown event '${printable(frame.event)}': client events begin with client-`;
          connection.sendError(null, message, frame.channel);
        }
    }
  }

  #enqueue(connection: Connection, frame: ClientFrame, text: string, nowMs: number): void {
    if (!connection.tasks.idle) {
      this.#wait(connection, text, nowMs, frame.event);
      return;
    }
    const isExtra = isExtraOf(connection, frame.event, nowMs);
    this.#deps.tasks.enqueue(connection, {
      run: () => this.#act(connection, frame, nowMs),
      isExtra,
      cost: costOf(text),
    });
  }

  #wait(connection: Connection, text: string, nowMs: number, event: string): void {
    const isForOthers = event.startsWith(CLIENT_EVENT_PREFIX);
    const message = { text, nowMs, isForOthers, isExtra: isExtraOf(connection, event, nowMs) };
    this.#deps.tasks.wait(connection, message, this.#toWork);
  }

  readonly #toWork = (connection: Connection, message: Message): Work => ({
    run: () => this.#actOn(connection, message),
    isExtra: message.isExtra,
    cost: costOf(message.text),
  });

  /** What waited is the text, whose size was known: decoded, it may take many times as much. */
  async #actOn(connection: Connection, { text, nowMs }: Message): Promise<void> {
    const frame = decodeFrame(text);
    if (typeof frame === 'string') connection.sendError(null, frame);
    else if (text.startsWith(SUBSCRIBE_HEAD) && frame.event !== SUBSCRIBE) {
      // Nobody has looked at the other name yet.
      connection.sendError(null, 'A message must name its "event" once');
    } else await this.#act(connection, frame, nowMs);
  }

  readonly #act = (connection: Connection, frame: ClientFrame, nowMs: number): Promise<void> => {
    const { subscriptions, signIn, clientEvents } = this.#deps;
    switch (frame.event) {
      case SUBSCRIBE:
        return subscriptions.subscribe(connection, frame.data);
      case 'pusher:unsubscribe':
        return subscriptions.unsubscribe(connection, frame.data);
      case 'pusher:signin':
        return signIn.signIn(connection, frame.data);
      default:
        return clientEvents.trigger(connection, frame, nowMs);
    }
  };
}

function costOf(text: string): number {
  return 1 + Math.floor(text.length / CHARACTERS_LIKE_A_MESSAGE);
}

/** Whether it is beyond what clients ask for. Client events have a limit of their own. */
function isExtraOf({ asking }: Connection, event: string, nowMs: number): boolean {
  return !event.startsWith(CLIENT_EVENT_PREFIX) && !asking.take(nowMs);
}
