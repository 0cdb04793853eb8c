import { setTimeout as pause } from 'node:timers/promises';
import { clientSettings, createPusher, type ExampleSettings } from '../support/settings.ts';
import { signToken, verifyToken } from '../support/tokens.ts';
import { type Example, HttpError } from '../support/web-server.ts';
import { Answers } from './answers.ts';
import { TokenSender } from './token-sender.ts';

export const fanfareEnvironment = { FANFARE_AUTH_RULES_FILE: 'examples/ai-assistant/channels.js' };

/** What the model says, whatever it is asked. */
const SENTENCES = [
  'That is a good question, and the short answer is: it depends on what you can afford to lose.',
  'A connection is a fair-weather friend. Phones change networks, laptops sleep, and servers are replaced at noon.',
  'So each event is kept for a while, and a page that was away says how far it had come.',
  'What it missed is sent again, in order, before anything new.',
  'Try it: cut the network while this answer is still being written, wait a moment, and connect again.',
  'The words that you did not see will arrive at once, and the rest will follow at its own pace.',
  'If you were away for too long, the page is told so, and can ask its backend instead of guessing.',
  'Everything else is patience.',
];
const WORDS = SENTENCES.join(' ').split(' ');

/** The token at an index: one word of what the model says, over and over. */
export function tokenAt(index: number): string {
  return `${index === 0 ? '' : ' '}${WORDS[index % WORDS.length]}`;
}

/** A model that talks at a steady pace; put a real one's stream in its place. */
export async function* pacedModel(
  question: string,
  tokens = WORDS.length,
  tokensPerSecond = 50,
): AsyncGenerator<string> {
  const began = performance.now();
  for (let index = 0; index < tokens; index += 1) {
    // By the clock and not by the pause, which is always a little late.
    const waitMs = began + (index * 1000) / tokensPerSecond - performance.now();
    if (waitMs > 0) await pause(waitMs);
    if (question === 'fail' && index === 20) throw new Error('the model is overloaded');
    yield tokenAt(index);
  }
}

/** As fast as one reads. */
const PAGE_TOKENS_PER_SECOND = 12;

export function createExample(settings: ExampleSettings): Example {
  const answers = new Answers(new TokenSender(createPusher(settings)), (question) =>
    pacedModel(question, WORDS.length, PAGE_TOKENS_PER_SECOND),
  );
  return {
    page: new URL('page.html', import.meta.url),
    routes: {
      'GET /session': async ({ query }) => {
        const id = query.get('user') ?? '1';
        return {
          id,
          name: `User ${id}`,
          token: await signToken(settings.jwtSecret, { sub: id }),
          fanfare: clientSettings(settings),
        };
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
