/**
 * PM2, for those without containers: `npm install && npm run build`, then
 *   pm2 start examples/deploy/pm2.config.cjs && pm2 save
 *   pm2 reload fanfare          after an update: one process after another, each drained
 *
 * Two processes on ports 6001 and 6002, as nginx/fanfare-upstream.conf lists them; with more than one, REDIS_URL must be set. Secrets come
 * from the environment of `pm2 start`, or from a file that it was loaded from (`set -a; . /etc/fanfare/fanfare.env`).
 */
const { resolve } = require('node:path');

const FIRST_PORT = 6001;
const PROCESSES = 2;
const GRACE_SECONDS = 30;

module.exports = {
  apps: [
    {
      name: 'fanfare',
      cwd: resolve(__dirname, '../..'),
      script: 'dist/cli.js',
      args: 'serve',
      // Not cluster mode, whose shared port hands connections out by Node and not by uWebSockets.js: each process has a port of its own.
      exec_mode: 'fork',
      instances: PROCESSES,
      increment_var: 'FANFARE_PORT',
      env: {
        NODE_ENV: 'production',
        FANFARE_PORT: FIRST_PORT,
        FANFARE_TRUSTED_PROXIES: '127.0.0.1',
        FANFARE_SHUTDOWN_GRACE_SECONDS: String(GRACE_SECONDS),
      },
      // PM2 kills what has not ended by then.
      kill_timeout: (GRACE_SECONDS + 10) * 1000,
      max_memory_restart: '1G',
    },
  ],
};
