/**
 * `npm run check:containers`: builds the image and runs what docs/deployment.md ships for containers, by a real Docker
 * engine. Takes minutes, and removes everything that it started. Images that cannot be had from a registry can be made
 * by scripts/containers/base-images.sh. With the name of an image as its argument it checks that one and builds none.
 */
import { checkComposeFiles, checkProduction } from './compose.ts';
import { CheckFailed, docker } from './docker.ts';
import { buildImage, checkImage } from './image.ts';
import { checkKubernetes } from './kubernetes.ts';

const project = `fanfare-check-${process.pid}`;
const given = process.argv[2];
const image = given ?? project;

async function needed(): Promise<void> {
  for (const [args, what] of [
    [['info'], 'a Docker engine that answers (apt-get install docker.io)'],
    [['compose', 'version'], 'Docker Compose 2'],
  ] as const) {
    await docker(args).catch((error: unknown) => {
      throw new CheckFailed(`This check needs ${what}: ${error instanceof Error ? error.message : String(error)}`);
    });
  }
}

async function main(): Promise<void> {
  await needed();
  console.log(`Kubernetes: ${await checkKubernetes()}`);
  console.log(`Compose takes ${(await checkComposeFiles()).join(', ')}`);
  if (given === undefined) console.log(`built in ${(await buildImage(image)).toFixed(0)} s`);
  const { megabytes, readySeconds, stopSeconds } = await checkImage(image, project);
  console.log(`image: ${megabytes.toFixed(0)} MB`);
  console.log(`one container: ready after ${readySeconds.toFixed(1)} s, stopped in ${stopSeconds.toFixed(1)} s`);
  const { upSeconds, update, redis } = await checkProduction(image, project);
  console.log(`production file: ready through nginx after ${upSeconds.toFixed(0)} s`);
  console.log(
    `update: ${update.seconds.toFixed(0)} s, ${update.events} events under way, ${update.reconnects} reconnects, ` +
      'every trigger answered 200, no event missed',
  );
  console.log(`Redis restarted: ${redis.events} events, ${redis.refused} triggers refused meanwhile, none missed`);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof CheckFailed ? error.message : error);
  process.exitCode = 1;
} finally {
  if (given === undefined)
    await docker(['image', 'rm', '-f', image]).catch((error: unknown) => console.error(String(error)));
}
