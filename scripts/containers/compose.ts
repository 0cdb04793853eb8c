import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command, docker, eventually, expect, ROOT } from './docker.ts';
import { type Target, Traffic } from './traffic.ts';

const CLIENTS = 20;
const FILE = 'docker/compose.prod.yml';

export interface ComposeFigures {
  readonly upSeconds: number;
  readonly update: { readonly seconds: number; readonly events: number; readonly reconnects: number };
  readonly redis: { readonly events: number; readonly refused: number };
}

/** Whether Compose itself takes each file that is shipped. */
export async function checkComposeFiles(): Promise<readonly string[]> {
  const neighbours = readdirSync(join(ROOT, 'examples/deploy/compose')).filter((name) => name.endsWith('.yml'));
  const files = ['docker/compose.yml', FILE, ...neighbours.map((name) => `examples/deploy/compose/${name}`)];
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-compose-'));
  try {
    const env = environmentFile(folder, {
      DOMAIN: 'check.example',
      ACME_EMAIL: 'check@check.example',
      REDIS_URL: 'redis://check',
    });
    for (const file of files) await docker(['compose', '--env-file', env, '-f', file, 'config', '-q']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return files;
}

/** Runs the production file with an image that is there, and puts it through an update and a restart of Redis. */
export async function checkProduction(image: string, name: string): Promise<ComposeFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-compose-'));
  const tls = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1'];
  await command('openssl', [...tls, '-keyout', join(folder, 'privkey.pem'), '-out', join(folder, 'fullchain.pem')]);
  const target: Target = { port: await freePort(), appId: '1', key: secret(), secret: secret() };
  const env = environmentFile(folder, {
    PUSHER_APP_KEY: target.key,
    PUSHER_APP_SECRET: target.secret,
    TLS_FOLDER: folder,
    FANFARE_IMAGE: image,
    HTTP_PORT: String(await freePort()),
    HTTPS_PORT: String(target.port),
    EDGE_SUBNET: '172.31.247.0/24',
    // Some machines do not let containers open as many as the file asks for.
    OPEN_FILES: '4096',
  });
  const project = { COMPOSE_PROJECT_NAME: name };
  const compose = (...args: string[]) => docker(['compose', '--env-file', env, '-f', FILE, ...args], project);
  // The certificate is of this check's own making.
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  let traffic: Traffic | undefined;
  try {
    const start = performance.now();
    await compose('up', '-d', '--no-build');
    await eventually(() => isReady(target.port), 'GET /ready through nginx', 120);
    const upSeconds = (performance.now() - start) / 1000;
    traffic = await Traffic.start(target, CLIENTS);
    return {
      upSeconds,
      update: await update(traffic, { ...project, ENV_FILE: env }),
      redis: await restartRedis(traffic, compose),
    };
  } catch (error) {
    const log = await compose('logs', '--tail', '30').catch((failure: unknown) => String(failure));
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${log}`);
  } finally {
    await traffic?.stop();
    await compose('down', '-v', '-t', '1');
    rmSync(folder, { recursive: true, force: true });
  }
}

async function update(traffic: Traffic, env: Record<string, string>): Promise<ComposeFigures['update']> {
  const before = { sent: traffic.sent, connections: traffic.connections, refused: traffic.refused };
  const start = performance.now();
  await command('sh', ['docker/rolling-update.sh'], env);
  const seconds = (performance.now() - start) / 1000;
  await traffic.complete('after the update');
  const refused = traffic.refused - before.refused;
  expect(refused === 0, `${refused} triggers were not answered 200 during the update`);
  const reconnects = traffic.connections - before.connections;
  expect(reconnects >= CLIENTS, `only ${reconnects} connections moved to new replicas`);
  return { seconds, events: traffic.sent - before.sent, reconnects };
}

async function restartRedis(
  traffic: Traffic,
  compose: (...args: string[]) => Promise<string>,
): Promise<ComposeFigures['redis']> {
  const before = { sent: traffic.sent, refused: traffic.refused };
  await compose('restart', '-t', '5', 'redis');
  const back = traffic.sent;
  await eventually(async () => traffic.sent > back + 40, 'triggers are taken again', 120);
  await traffic.complete('after the restart of Redis');
  return { events: traffic.sent - before.sent, refused: traffic.refused - before.refused };
}

/** docker/production.env with values that are of no other use; those given win. */
function environmentFile(folder: string, values: Readonly<Record<string, string>>): string {
  const all = {
    PUSHER_APP_ID: '1',
    PUSHER_APP_KEY: secret(),
    PUSHER_APP_SECRET: secret(),
    JWT_SECRET: secret() + secret(),
    REDIS_PASSWORD: secret(),
    TLS_FOLDER: folder,
    ...values,
  };
  const file = join(folder, 'production.env');
  writeFileSync(
    file,
    Object.entries(all)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  return file;
}

function secret(): string {
  return randomBytes(20).toString('hex');
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`https://127.0.0.1:${port}/ready`)).status === 200;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
