import type { Connection } from '../connection/connection.ts';
import type { ConnectionTasks } from '../connection/connection-tasks.ts';
import type { Logger } from '../contracts/logger.ts';
import type { Quotas } from '../contracts/quotas.ts';
import type { Resume } from '../resume/resume.ts';
import type { Authorizations } from '../subscriptions/authorizations.ts';
import type { SignIn } from '../subscriptions/sign-in.ts';
import type { Subscriptions } from '../subscriptions/subscriptions.ts';

export interface DeparturesDependencies {
  readonly tasks: ConnectionTasks;
  readonly resume: Resume;
  readonly subscriptions: Subscriptions;
  readonly signIn: SignIn;
  readonly authorizations: Authorizations;
  readonly quotas: Quotas;
  readonly logger: Logger;
}

/** Connections that have closed and still give up what was theirs. */
export class Departures {
  readonly #deps: DeparturesDependencies;
  readonly #underWay = new Set<Promise<void>>();

  constructor(dependencies: DeparturesDependencies) {
    this.#deps = dependencies;
  }

  get size(): number {
    return this.#underWay.size;
  }

  /** The connection's socket has gone. @param byClient with a close frame of the client's own accord */
  begin(connection: Connection, byClient: boolean): void {
    const departure = new Promise<void>((resolve) => {
      const last = async () => {
        await this.#giveUp(connection);
        resolve();
      };
      this.#deps.tasks.finish(connection, last, byClient);
    });
    this.#underWay.add(departure);
    void departure.then(() => this.#underWay.delete(departure));
  }

  /** Resolves when all have left, those too that begin to meanwhile. */
  async all(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** Gives up all that a connection had; what fails keeps nothing else. */
  async #giveUp(connection: Connection): Promise<void> {
    const { tasks, resume, subscriptions, signIn, authorizations, quotas, logger } = this.#deps;
    await tasks.guard(connection, () => resume.ended(connection));
    await tasks.guard(connection, () => subscriptions.leaveAll(connection));
    await tasks.guard(connection, () => signIn.signOut(connection));
    await tasks.guard(connection, () => authorizations.forget(connection));
    await tasks.guard(connection, () => quotas.disconnect(connection.app, connection.socketId));
    logger.debug({ appId: connection.app.id, socketId: connection.socketId }, 'connection left');
  }
}
