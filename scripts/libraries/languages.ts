import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const HERE = new URL('./', import.meta.url).pathname;
const MOST_SECONDS = 300;

export type Command = readonly [name: string, ...args: string[]];

/** The official library of one language, and perhaps a client. */
export interface Language {
  readonly name: string;
  /** What must be installed. */
  readonly tools: readonly string[];
  /** As the docs name them, with their versions. */
  readonly libraries: string;
  /** Installs and compiles into the folder. */
  readonly build: (folder: string) => readonly Command[];
  readonly backend: (folder: string) => Command;
  readonly client?: (folder: string) => Command;
}

const classpath = (folder: string) =>
  `${folder}/java/classes:${readFileSync(`${folder}/java.classpath`, 'utf8').trim()}`;

export const LANGUAGES: readonly Language[] = [
  {
    name: 'Python',
    tools: ['python3'],
    libraries: 'pusher 3.3.4, Pysher 1.0.8',
    build: (folder) => [
      ['python3', '-m', 'venv', `${folder}/python`],
      [`${folder}/python/bin/pip`, 'install', '--quiet', '-r', join(HERE, 'python/requirements.txt')],
    ],
    backend: (folder) => [`${folder}/python/bin/python`, join(HERE, 'python/backend.py')],
    client: (folder) => [`${folder}/python/bin/python`, join(HERE, 'python/client.py')],
  },
  {
    name: 'Go',
    tools: ['go'],
    libraries: 'pusher-http-go 5.1.1',
    build: (folder) => [['go', 'build', '-C', join(HERE, 'go'), '-o', `${folder}/go-backend`, '.']],
    backend: (folder) => [`${folder}/go-backend`],
  },
  {
    name: 'Java',
    tools: ['java', 'javac', 'mvn'],
    libraries: 'pusher-http-java 1.3.4, pusher-java-client 2.4.4',
    build: (folder) => [
      [
        ...(['mvn', '--quiet', '--batch-mode', '-f', join(HERE, 'java/pom.xml'), `-Doutput=${folder}/java`] as const),
        ...['compile', 'dependency:build-classpath', `-Dmdep.outputFile=${folder}/java.classpath`],
      ],
    ],
    backend: (folder) => ['java', '-cp', classpath(folder), 'Backend'],
    client: (folder) => ['java', '-cp', classpath(folder), 'Client'],
  },
  {
    name: 'Rust',
    tools: ['cargo'],
    libraries: 'the crate pusher 0.4.5',
    build: (folder) => [
      [
        ...(['cargo', 'build', '--quiet', '--manifest-path', join(HERE, 'rust/Cargo.toml')] as const),
        ...['--target-dir', `${folder}/rust`],
      ],
    ],
    backend: (folder) => [`${folder}/rust/debug/libraries`],
  },
];

/** Runs a program to its end; answers with what it wrote to its output. Rejects with all that it said if it fails. */
export async function run([name, ...args]: Command, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const options = { env: { ...process.env, ...env }, timeout: MOST_SECONDS * 1000, maxBuffer: 16 * 1024 * 1024 };
  try {
    return (await execute(name, args, options)).stdout.trim();
  } catch (error) {
    const { stderr = '', stdout = '', message } = error as { stderr?: string; stdout?: string; message: string };
    throw new Error(`${name} ${args[0] ?? ''}: ${`${stderr}${stdout}`.trim().slice(-1500) || message}`);
  }
}

/** Runs a client; tells of each line. Resolves with its exit code. */
export async function follow(
  [name, ...args]: Command,
  env: Readonly<Record<string, string>>,
  told: (line: string) => void,
): Promise<number | null> {
  const options = { env: { ...process.env, ...env }, timeout: 30_000 };
  const child = spawn(name, args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
  createInterface({ input: child.stdout }).on('line', told);
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
}

/** Which of the tools is not installed. */
export async function missingTool({ tools }: Language): Promise<string | undefined> {
  for (const tool of tools) {
    const found = await execute('sh', ['-c', `command -v ${tool}`]).then(
      () => true,
      () => false,
    );
    if (!found) return tool;
  }
  return undefined;
}
