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
    if (typeof frame === 'string') connection.sendError(null, frame);
    else if (!connection.isParting) this.#dispatch(connection, frame, nowMs);
  }

  #dispatch(connection: Connection, frame: ClientFrame, nowMs: number): void {
    const { tasks, subscriptions, signIn, clientEvents } = this.#deps;
    switch (frame.event) {
      // Answered out of turn: it asks whether the server lives, not whether its shared state does.
      case 'pusher:ping':
        connection.send(PONG_FRAME);
        return;
      case 'pusher:pong':
        return;
      case 'pusher:subscribe':
        tasks.enqueue(connection, () => subscriptions.subscribe(connection, frame.data));
        return;
      case 'pusher:unsubscribe':
        tasks.enqueue(connection, () => subscriptions.unsubscribe(connection, frame.data));
        return;
      case 'pusher:signin':
        tasks.enqueue(connection, () => signIn.signIn(connection, frame.data));
        return;
      default:
        if (frame.event.startsWith(CLIENT_EVENT_PREFIX)) {
          tasks.enqueue(connection, () => clientEvents.trigger(connection, frame, nowMs));
        } else {
          const message = `Unknown event '${printable(frame.event)}': client events begin with client-`;
          connection.sendError(null, message);
        }
    }
  }
}
