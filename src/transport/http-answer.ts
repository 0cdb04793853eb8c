import type { HttpResponse as NativeResponse } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import type { HttpResponse } from '../core/contracts/http.ts';

/** Such as `404 Not Found`. */
export function statusLine(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? ''}`;
}

/** Writes a whole answer. The native response must not be touched afterwards; after an await, call it within `cork`. */
export function writeAnswer(
  res: NativeResponse,
  method: string,
  response: HttpResponse,
  closeConnection: boolean,
): void {
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
  if (method !== 'HEAD') {
    res.end(response.body, closeConnection);
    return;
  }
  // Told the length by its argument, endWithoutBody would wait for a body of that length.
  res.writeHeader('Content-Length', String(Buffer.byteLength(response.body)));
  res.endWithoutBody();
}
