import t from 'tap';
import { openClientPage } from '../support/chromium.ts';
import { unique } from '../support/names.ts';
import { startSite } from '../support/resume.ts';
import { APP } from '../support/target.ts';
import { until } from '../support/wait.ts';

/** Sentences that an assistant might write, in pieces of a few characters as a model gives them. */
function tokens(): string[] {
  const sentence = 'A reader sees every word once, in its order: «naïve», 5 < 7 & "quoted", line\nbreaks and 🎺 too. ';
  return Array.from({ length: 40 }, (_, index) => `${index + 1}. ${sentence}`)
    .join('')
    .match(/[\s\S]{1,7}/gu) as string[];
}

/** Each takes a second, so the suite makes few of them: FANFARE_TEST_CUTS=20 makes more. */
const CUTS = Number(process.env.FANFARE_TEST_CUTS ?? 4);

for (const kind of ['script', 'module'] as const) {
  t.test(`a streamed answer through ${CUTS} cuts, by the helper as a ${kind}: the text to the letter`, async (t) => {
    // Little is acknowledged in time: each cut makes the server repeat some of what came before.
    const site = await startSite(t, { resume: { ackIntervalSeconds: 60, checkpointSeconds: 60 } });
    const page = await openClientPage(t);
    const channel = unique('answer-');
    const url = `http://127.0.0.1:${site.network.port}/fanfare/client.${kind === 'script' ? 'js' : 'mjs'}`;
    const load =
      kind === 'module'
        ? `import('${url}')`
        : `new Promise((resolve, reject) => {
            const script = document.createElement('script');
            script.src = '${url}';
            script.onload = () => resolve(Fanfare);
            script.onerror = reject;
            document.head.append(script);
          })`;
    await page.run(`${load}.then(({ resumable }) => {
      window.text = '';
      window.gaps = [];
      const options = {
        cluster: '', wsHost: '127.0.0.1', wsPort: ${site.network.port}, forceTLS: false, enabledTransports: ['ws'],
      };
      window.pusher = new Pusher('${APP.key}', resumable(Pusher, options, { onGap: (channel) => gaps.push(channel) }));
      pusher.connection.bind('connected', () => report('connected', null));
      const answer = pusher.subscribe('${channel}');
      answer.bind('token', (piece) => { text += piece; });
      answer.bind('fanfare:resumed', (data) => report('resumed', data));
    })`);
    await page.reported('resumed');
    const all = tokens();
    const each = Math.ceil(all.length / CUTS);
    let repeated = 0;
    for (let cut = 0; cut < CUTS; cut += 1) {
      for (const piece of all.slice(cut * each, (cut + 1) * each)) {
        await site.api.trigger(channel, 'token', JSON.stringify(piece));
        // In the middle of a batch: some of it has arrived, and some is on its way.
        if (piece === all[cut * each + 5]) site.network.cut();
      }
      const resumed = (await page.reported('resumed', 15_000)) as { recovered: boolean; events: number };
      t.equal(resumed.recovered, true);
      repeated += resumed.events;
    }
    const text = async () => (await page.run('text')) as string;
    await until(async () => (await text()).length >= all.join('').length, 'the whole answer', 15_000);
    t.equal(await text(), all.join(''));
    t.same(await page.run('gaps'), []);
    t.ok(repeated > 0, `the server sent ${repeated} events again for ${all.length}`);
  });
}
