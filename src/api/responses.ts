import type { HttpResponse } from '../core/contracts/http.ts';

export type Header = readonly [name: string, value: string];

/** Ends a request with a status and one sentence that says what was wrong and what would be right. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly headers: readonly Header[];

  constructor(status: number, sentence: string, headers: readonly Header[] = []) {
    super(sentence);
    this.status = status;
    this.headers = headers;
  }
}

/** The success that has nothing to say: `{}`, as the PHP library refuses to decode less. */
export const DONE: HttpResponse = Object.freeze({ status: 200, body: '{}' });

export function json(value: object): HttpResponse {
  return { status: 200, body: JSON.stringify(value) };
}

export function refused(refusal: Refusal): HttpResponse {
  return plain(refusal.status, refusal.message, refusal.headers);
}

export function plain(status: number, sentence: string, headers: readonly Header[] = []): HttpResponse {
  return headers.length === 0 ? { status, body: sentence } : { status, body: sentence, headers };
}

/** @param seconds whole: see `wholeSeconds` */
export function retryAfter(seconds: number): readonly Header[] {
  return [['Retry-After', String(seconds)]];
}

/** What a client is told to wait: at least a second, and no part of one. */
export function wholeSeconds(seconds: number): number {
  return Math.max(1, Math.ceil(seconds));
}
