import { readFileSync } from 'node:fs';
import t from 'tap';

const ROOT = new URL('../../', import.meta.url);

/** Where a node is started, and the line that does it. */
const STARTS: Readonly<Record<string, RegExp>> = {
  'package.json': /"start": .*/,
  'docker/Dockerfile': /^ENTRYPOINT .*/m,
  'examples/deploy/fanfare@.service': /^ExecStart=.*/m,
  'examples/deploy/pm2.config.cjs': /node_args: .*/,
  'docs/operations.md': /`NODE_OPTIONS=.*`/,
};

t.test('each way to start a node that ships leaves the event loop its core', async (t) => {
  for (const [file, line] of Object.entries(STARTS)) {
    const [found = ''] = line.exec(readFileSync(new URL(file, ROOT), 'utf8')) ?? [];
    t.match(found, '--v8-pool-size=1', file);
  }
});
