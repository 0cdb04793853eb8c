import { setTimeout as pause } from 'node:timers/promises';
import { clientSettings, createPusher, type ExampleSettings } from '../support/settings.ts';
import { signToken, verifyToken } from '../support/tokens.ts';
import { type Example, HttpError } from '../support/web-server.ts';
import { Answers } from './answers.ts';
import { TokenSender } from './token-sender.ts';

export const fanfareEnvironment = { FANFARE_AUTH_RULES_FILE: 'examples/ai-assistant/channels.js' };

/** A model that talks at a steady pace; put a real one's stream in its place. */
export async function* pacedModel(question: string, tokens = 500, tokensPerSecond = 50): AsyncGenerator<string> {
  const began = performance.now();
  for (let index = 0; index < tokens; index += 1) {
    // By the clock and not by the pause, which is always a little late.
    const waitMs = began + (index * 1000) / tokensPerSecond - performance.now();
    if (waitMs > 0) await pause(waitMs);
    if (question === 'fail' && index === 20) throw new Error('the model is overloaded');
    yield index === 0 ? `“${question}”:` : ` word${index}`;
  }
}

export function createExample(settings: ExampleSettings): Example {
  const answers = new Answers(new TokenSender(createPusher(settings)), (question) => pacedModel(question, 200));
  return {
    page: new URL('page.html', import.meta.url),
    routes: {
      'GET /session': async ({ query }) => {
        const id = query.get('user') ?? '1';
        return { id, token: await signToken(settings.jwtSecret, { sub: id }), fanfare: clientSettings(settings) };
      },
      // Answers at once; the answer itself comes over the user's channel.
      'POST /questions': async ({ headers, body }) => {
        const claims = await verifyToken(settings.jwtSecret, headers.authorization ?? '');
        if (claims?.sub === undefined) throw new HttpError(401, 'log in first');
        const { sub } = claims;
        answers.stream(sub, String(body.question)).catch((error: unknown) => console.error(`user ${sub}:`, error));
        return { accepted: true };
      },
    },
  };
}
