import { printable } from '../../protocol/channel-name.ts';
import { type ClientFrame, decodeFrame, PONG_FRAME } from '../../protocol/frames.ts';
import type { Connection } from '../connection/connection.ts';
import type { ConnectionTasks } from '../connection/connection-tasks.ts';
import { CLIENT_EVENT_PREFIX, type ClientEvents } from '../subscriptions/client-events.ts';
import type { SignIn } from '../subscriptions/sign-in.ts';
import type { Subscriptions } from '../subscriptions/subscriptions.ts';

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
      case 'pusher:subscribe':
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
    const { tasks } = this.#deps;
    if (connection.tasks.idle) {
      tasks.enqueue(connection, { run: () => this.#act(connection, frame, nowMs) });
      return;
    }
    const isForOthers = frame.event.startsWith(CLIENT_EVENT_PREFIX);
    tasks.enqueue(connection, { run: this.#later(connection, text, nowMs), characters: text.length, isForOthers });
  }

  /**
   * What waits is the text, whose size is known: decoded, it may take many times as much. The closure is made here, as
   * one made beside another keeps what either of them names: the decoded frame too.
   */
  #later(connection: Connection, text: string, nowMs: number): () => Promise<void> {
    return async () => {
      const decoded = decodeFrame(text);
      if (typeof decoded !== 'string') await this.#act(connection, decoded, nowMs);
    };
  }

  async #act(connection: Connection, frame: ClientFrame, nowMs: number): Promise<void> {
    const { subscriptions, signIn, clientEvents } = this.#deps;
    switch (frame.event) {
      case 'pusher:subscribe':
        return subscriptions.subscribe(connection, frame.data);
      case 'pusher:unsubscribe':
        return subscriptions.unsubscribe(connection, frame.data);
      case 'pusher:signin':
        return signIn.signIn(connection, frame.data);
      default:
        return clientEvents.trigger(connection, frame, nowMs);
    }
  }
}
