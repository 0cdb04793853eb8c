import type { HttpResponse as NativeResponse } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import type { HttpResponse } from '../core/contracts/http.ts';

/** Such as `404 Not Found`. */
export function statusLine(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? ''}`;
}

/**
 * Writes a whole answer; after an await, call it within `cork`. The native response must not be touched afterwards, but
 * to close it if this returns true: the connection is to end, and uWebSockets.js does not end it.
 */
export function writeAnswer(
  res: NativeResponse,
  method: string,
  response: HttpResponse,
  closeConnection: boolean,
): boolean {
  // 200 is what it writes by itself.
  if (response.status !== 200) res.writeStatus(statusLine(response.status));
  let typed = response.body === '';
  for (const [name, value] of response.headers ?? []) {
    // The length is uWebSockets.js's to write; a second one would break the response.
    if (name === 'content-length' || name === 'transfer-encoding') continue;
    if (name.toLowerCase() === 'content-type') typed = true;
    res.writeHeader(name, value);
  }
  if (!typed) {
    const isJson = response.body.startsWith('{');
    res.writeHeader('Content-Type', isJson ? 'application/json' : 'text/plain; charset=utf-8');
  }
  // A body in answer to a HEAD would be read as the beginning of the connection's next response.
  if (method === 'HEAD' && response.body !== '') return writeHeadAlone(res, response.body, closeConnection);
  if (closeConnection) res.end(response.body, true);
  else endWith(res, response.body);
  return false;
}

function writeHeadAlone(res: NativeResponse, body: string, closeConnection: boolean): boolean {
  const length = Buffer.byteLength(body);
  if (closeConnection) {
    // It waits for the body, and so can still be closed.
    res.writeHeader('Connection', 'close').tryEnd('', length);
    return true;
  }
  // Told the length by its argument, endWithoutBody would wait for a body of that length.
  res.writeHeader('Content-Length', String(length)).endWithoutBody();
  return false;
}

/**
 * Ends a response by its body. What the client does not take for now waits here: uWebSockets.js would keep a copy, and
 * one of each further answer that the connection asks for. So the response is not over, and another request ends its
 * connection.
 */
export function endWith(res: NativeResponse, body: string | Buffer): void {
  const length = Buffer.byteLength(body);
  const [, isOver] = res.tryEnd(body, length);
  if (isOver) return;
  const bytes = Buffer.from(body);
  res.onWritable((offset) => res.tryEnd(bytes.subarray(offset), length)[0]);
}
