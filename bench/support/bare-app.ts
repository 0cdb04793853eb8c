import type { HttpResponse, TemplatedApp } from 'uWebSockets.js';
import { loadUws } from '../../src/transport/uws.ts';

/** The body of a trigger. */
export interface Trigger {
  readonly name: string;
  readonly data: string;
  readonly channels: readonly string[];
}

/** A subscription or a ping. */
export interface ClientFrame {
  readonly event: string;
  readonly data: { readonly channel: string };
}

/** An app of uWebSockets.js alone, for the bare servers that are the limit to come close to. */
export async function bareApp(): Promise<TemplatedApp> {
  const uws = await loadUws(32_768);
  return uws.App();
}

export function readBody(response: HttpResponse, whole: (body: string) => void): void {
  const chunks: Buffer[] = [];
  response.onAborted(() => undefined);
  response.onData((bytes, isLast) => {
    chunks.push(Buffer.from(new Uint8Array(bytes)));
    if (isLast) whole(Buffer.concat(chunks).toString());
  });
}

/** Listens on the port that the command line names. */
export function listen(app: TemplatedApp): void {
  const port = Number(process.argv[2]);
  app.listen('127.0.0.1', port, (listening) => {
    if (listening === false) throw new Error(`port ${port} is taken`);
  });
}
