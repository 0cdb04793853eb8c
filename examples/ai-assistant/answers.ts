import { randomUUID } from 'node:crypto';
import type { TokenSender } from './token-sender.ts';

/**
 * What a user's channel carries of an answer; `index` counts its tokens from 0, so that a page can tell whether one is
 * missing.
 */
export interface AnswerEvents {
  'answer.start': { readonly answerId: string; readonly question: string };
  'answer.token': { readonly answerId: string; readonly index: number; readonly text: string };
  'answer.complete': { readonly answerId: string; readonly tokens: number };
  'answer.error': { readonly answerId: string; readonly tokens: number; readonly message: string };
}

/** Where tokens come from: a model's stream. */
export type Model = (question: string) => AsyncIterable<string>;

/** Streams answers to the users who asked; several at once, also for one user. */
export class Answers {
  readonly #sender: TokenSender;
  readonly #model: Model;

  constructor(sender: TokenSender, model: Model) {
    this.#sender = sender;
    this.#model = model;
  }

  /** Resolves when the last of it has been taken by Fanfare. An error of the model is told to the user, not thrown. */
  async stream(userId: string, question: string, answerId: string = randomUUID()): Promise<void> {
    const send = <Name extends keyof AnswerEvents>(name: Name, data: AnswerEvents[Name]) =>
      this.#sender.send(`private-user.${userId}`, name, data);
    await send('answer.start', { answerId, question });
    let tokens = 0;
    // A request that failed is told at the end: the model does not wait for the network.
    const sent: Promise<void>[] = [];
    try {
      for await (const text of this.#model(question)) {
        const taken = send('answer.token', { answerId, index: tokens, text });
        // Waited for below; a failure before that must not end the process as one that nobody has taken care of.
        taken.catch(() => undefined);
        sent.push(taken);
        tokens += 1;
      }
      await Promise.all(sent);
    } catch (error) {
      await Promise.allSettled(sent);
      const message = error instanceof Error ? error.message : 'the answer broke off';
      await send('answer.error', { answerId, tokens, message });
      return;
    }
    await send('answer.complete', { answerId, tokens });
  }
}
