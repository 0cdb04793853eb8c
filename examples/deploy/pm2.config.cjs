/**
 * PM2, for those without containers: `npm install && npm run build`, then
 *   pm2 start examples/deploy/pm2.config.cjs && pm2 save
 * An update, one process after another, each drained (`pm2 reload` would restart all of them at once, since they are
 * not a cluster of Node's):
 *   for port in 6001 6002; do pm2 restart fanfare-$port && until curl -sf localhost:$port/ready; do sleep 1; done; done
 *
 * A process for each port, as nginx/fanfare-upstream.conf lists them; with more than one, REDIS_URL must be set.
 * Secrets come from the environment of `pm2 start`, such as from a file: set -a; . /etc/fanfare/fanfare.env; set +a
 */
const { resolve } = require('node:path');

const PORTS = [6001, 6002];
const GRACE_SECONDS = 30;

module.exports = {
  apps: PORTS.map((port) => ({
    name: `fanfare-${port}`,
    cwd: resolve(__dirname, '../..'),
    script: 'dist/cli.js',
    args: `serve --port ${port}`,
    // One thread helps the garbage collector: docs/operations.md, "How much it takes".
    node_args: '--v8-pool-size=1',
    // Not cluster mode: there Node would hand out connections, and uWebSockets.js takes its own.
    exec_mode: 'fork',
    env: {
      NODE_ENV: 'production',
      FANFARE_TRUSTED_PROXIES: '127.0.0.1',
      FANFARE_SHUTDOWN_GRACE_SECONDS: String(GRACE_SECONDS),
    },
    // PM2 kills what has not ended by then.
    kill_timeout: (GRACE_SECONDS + 10) * 1000,
    max_memory_restart: '1G',
  })),
};
