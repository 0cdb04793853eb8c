import { fileURLToPath } from 'node:url';
import t from 'tap';
import { connectPusher, emitted } from '../support/pusher-client.ts';
import { Child } from '../support/scenarios/child.ts';
import { startFanfare } from '../support/target.ts';

const FOLDER = fileURLToPath(new URL('../../examples/snippets/', import.meta.url));
const target = await startFanfare(t);
const env = {
  FANFARE_URL: target.origin,
  PUSHER_APP_ID: target.appId,
  PUSHER_APP_KEY: target.key,
  PUSHER_APP_SECRET: target.secret,
};

/** Those whose runtime every machine that runs these tests has; the others are run by hand (docs/backends.md). */
const SNIPPETS: ReadonlyArray<readonly [command: string, file: string]> = [
  ['bash', 'curl.sh'],
  [process.execPath, 'node.mjs'],
  [process.execPath, 'node-without-library.mjs'],
];

const DATA = { text: 'with "quotes", a \\ and a\nline end', żółw: ['🐢', 1.5, null] };

for (const [command, file] of SNIPPETS) {
  t.test(file, async (t) => {
    const client = await connectPusher(t, target);
    const channel = client.subscribe(`snippets-${file}`);
    await emitted(channel, 'pusher:subscription_succeeded');
    const arrival = emitted(channel, 'message.sent', 20_000);
    const snippet = await Child.start(t, command, [FOLDER + file, channel.name, 'message.sent', JSON.stringify(DATA)], {
      env,
    });
    t.equal(await snippet.exited, 0, snippet.lines.join('\n'));
    t.strictSame(await arrival, DATA);
  });

  t.test(`${file}: a wrong secret is an error that says so`, async (t) => {
    const wrong = { ...env, PUSHER_APP_SECRET: 'not-the-secret' };
    const snippet = await Child.start(t, command, [FOLDER + file, 'c', 'e', '{}'], { env: wrong });
    t.not(await snippet.exited, 0);
    t.match(snippet.lines.join('\n'), /401/);
  });
}
