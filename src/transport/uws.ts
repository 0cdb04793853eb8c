import type * as Uws from 'uWebSockets.js';

export type UwsModule = typeof Uws;

/** The lines of uWebSockets.js that are carried, and where each runs. */
const LINES = [
  {
    specifier: 'uWebSockets.js',
    supports: 'Node 22, 24 and 26 with glibc 2.38 or later (Debian 13, Ubuntu 24.04), macOS, Windows',
  },
  { specifier: 'uWebSockets.js-lts', supports: 'Node 20 and 22 with glibc 2.27 or later, macOS, Windows' },
] as const;

/** What decides whether a native binary loads. */
export interface Platform {
  readonly node: string;
  readonly platform: string;
  readonly arch: string;
  /** Such as `glibc 2.36`, or `musl`. */
  readonly libc: string;
}

/** No line of uWebSockets.js has a binary that loads here. */
export class UwsUnavailable extends Error {
  override readonly name = 'UwsUnavailable';
  readonly code = 'uws_unavailable';
}

/** Read by uWebSockets.js as it loads, and never again. Without it, all headers of a request together may have 4 KB. */
const MAX_HEADERS_VARIABLE = 'UWS_HTTP_MAX_HEADERS_SIZE';
/** What it does not take it answers 431 itself, which nobody learns of: so it takes more than HeaderLimit does. */
const NATIVE_SHARE = 2;

let nativeMaxHeaderBytes: number | undefined;

/**
 * Loads the first line of uWebSockets.js that has a binary for this platform; rejects with UwsUnavailable.
 *
 * @param maxHeaderBytes of all headers of a request together; uWebSockets.js takes twice as much of what the first load
 *   of a process says
 */
export async function loadUws(
  maxHeaderBytes: number,
  load: (specifier: string) => Promise<unknown> = (specifier) => import(specifier),
): Promise<UwsModule> {
  const nativeMax = nativeMaxHeaderBytes ?? maxHeaderBytes * NATIVE_SHARE;
  process.env[MAX_HEADERS_VARIABLE] = String(nativeMax);
  const failures: string[] = [];
  for (const { specifier } of LINES) {
    try {
      const uws = (await load(specifier)) as UwsModule;
      nativeMaxHeaderBytes = nativeMax;
      return uws;
    } catch (error) {
      failures.push(`${specifier}: ${firstLine(error)}`);
    }
  }
  throw new UwsUnavailable(unavailableMessage(currentPlatform(), failures));
}

/** What uWebSockets.js takes in this process. */
export function nativeHeaderLimitBytes(): number {
  return nativeMaxHeaderBytes ?? 0;
}

/** The sentence for a platform without a binary: what was found, what is supported, and why each line failed. */
export function unavailableMessage(found: Platform, failures: readonly string[]): string {
  return [
    `uWebSockets.js has no binary for Node ${found.node} (${found.libc}) on ${found.platform}-${found.arch}.`,
    'Supported, on x64 and arm64:',
    ...LINES.map(({ specifier, supports }) => `  ${specifier}: ${supports}`),
    'If this platform is among them, its optional package was not installed: run "npm install" without --omit=optional.',
    'What was tried:',
    ...failures.map((failure) => `  ${failure}`),
  ].join('\n');
}

function currentPlatform(): Platform {
  return { node: process.versions.node, platform: process.platform, arch: process.arch, libc: libcName() };
}

function libcName(): string {
  if (process.platform !== 'linux') return 'no libc check';
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const glibc = report.header?.glibcVersionRuntime;
  return glibc === undefined ? 'musl' : `glibc ${glibc}`;
}

/** The loader's own message goes on to list what it supports, which would contradict ours. */
function firstLine(error: unknown): string {
  const lines = (error instanceof Error ? error.message : String(error)).split('\n').filter((line) => line !== '');
  return lines.find((line) => line.includes('Cannot find') || line.includes('GLIBC')) ?? lines[0] ?? 'unknown error';
}
