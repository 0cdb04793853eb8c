/** A body as text, read no further than `maxBytes`. Throws a sentence if it is longer. */
export async function readBounded(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the stream, and with it the connection.
    if (bytes > maxBytes) throw new Error(`the answer is over ${maxBytes} bytes long`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Why a request failed: the cause if there is one, since fetch itself only says "fetch failed". */
export function fetchFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'no answer within the time limit';
  const reason = error.cause instanceof Error ? error.cause : error;
  return 'code' in reason && typeof reason.code === 'string' ? reason.code : reason.message;
}
