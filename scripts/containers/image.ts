import { CheckFailed, docker, eventually, expect } from './docker.ts';

/** What production wants at least; of no other use. */
const CREDENTIALS = ['PUSHER_APP_ID=1', 'PUSHER_APP_KEY=check', 'PUSHER_APP_SECRET=check-secret'];
const JWT = 'JWT_SECRET=a-secret-of-the-container-check-0123456789';

export interface ImageFigures {
  readonly megabytes: number;
  /** From `docker run` to the first 200 of /ready. */
  readonly readySeconds: number;
  /** From `docker stop` to the exit. */
  readonly stopSeconds: number;
}

/** @returns seconds */
export async function buildImage(image: string): Promise<number> {
  return await timed(() => docker(['build', '-f', 'docker/Dockerfile', '-t', image, '.']));
}

/** Holds one container of the image to what docs/deployment.md says. */
export async function checkImage(image: string, project: string): Promise<ImageFigures> {
  const bytes = Number(await docker(['image', 'inspect', '--format', '{{.Size}}', image]));

  await refusesToStart(image);
  const name = `${project}-single`;
  const environment = [...CREDENTIALS, JWT].flatMap((variable) => ['-e', variable]);
  const hardening = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
  try {
    const start = performance.now();
    await docker(['run', '-d', '--name', name, ...hardening, ...environment, image]);
    await eventually(() => answers(name), 'GET /ready answers 200');
    const readySeconds = (performance.now() - start) / 1000;
    await eventually(async () => (await health(name)) === 'healthy', 'the health check is content');
    await isLockedUp(name);
    await commandsWork(name);
    const stop = await timed(() => docker(['stop', '-t', '30', name]));
    const exit = await docker(['inspect', '--format', '{{.State.ExitCode}}', name]);
    expect(exit === '0', `it ended with ${exit} on SIGTERM, not with 0`);
    expect((await docker(['logs', name])).includes('"msg":"stopped"'), 'its log does not say that it stopped');
    return {
      megabytes: bytes / 1e6,
      readySeconds,
      stopSeconds: stop,
    };
  } finally {
    await docker(['rm', '-f', name]);
  }
}

async function refusesToStart(image: string): Promise<void> {
  const said = await docker(['run', '--rm', image]).catch((error: unknown) => {
    if (error instanceof CheckFailed) return error.message;
    throw error;
  });
  expect(/not for production; set it/.test(said), `without variables it should refuse, and said: ${said}`);
}

async function isLockedUp(name: string): Promise<void> {
  const inside = (script: string) => docker(['exec', name, 'sh', '-c', script]);
  expect((await inside('id -u')) === '10001', 'it does not run as user 10001');
  const written = await inside('touch /app/x 2>&1 || true');
  expect(/Read-only file system/.test(written), `its root file system is not read-only: ${written}`);
  expect((await inside('tr -d "\\0" < /proc/1/cmdline')).includes('tini'), 'process 1 is not tini');
  expect(/^0+$/.test(await inside('awk "/CapEff/ {print \\$2}" /proc/self/status')), 'it has capabilities');
}

/** The command is there too, and finds what was left of its packages. */
async function commandsWork(name: string): Promise<void> {
  const cli = (...args: string[]) => docker(['exec', name, 'node', '/app/dist/cli.js', ...args]);
  const token = await cli('token', '--user', '42');
  expect(/^eyJ/.test(token), `fanfare token printed ${token}`);
  const said = await cli('listen', 'private-nobody.1', '--token', token).catch((error: unknown) => String(error));
  expect(/refused on private-nobody\.1: 403/.test(said), `fanfare listen said: ${said}`);
}

async function answers(name: string): Promise<boolean> {
  try {
    await docker(['exec', name, 'node', '/app/docker/healthcheck.mjs']);
    return true;
  } catch (error) {
    if (error instanceof CheckFailed) return false;
    throw error;
  }
}

function health(name: string): Promise<string> {
  return docker(['inspect', '--format', '{{.State.Health.Status}}', name]);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
