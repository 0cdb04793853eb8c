import { command } from './docker.ts';

/** Decodes the manifests strictly with Kubernetes' own types, by a small Go program; says what it found. */
export async function checkKubernetes(): Promise<string> {
  return await command('go', [
    '-C',
    'scripts/containers/kubernetes',
    'run',
    '.',
    '../../../examples/deploy/kubernetes',
  ]);
}
