import { lookup as resolve } from 'node:dns';
import { type Agent, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { printable } from '../protocol/channel-name.ts';
import type { Payload } from './payload.ts';

export interface PostSettings {
  /** How long the whole exchange may take, up to the status. */
  readonly timeoutMs: number;
  /** Whether it may go to this machine or a private network. */
  readonly allowPrivateNetworks: boolean;
  readonly agent: Agent | undefined;
}

/** Of an answer beyond its status, which is all that counts: a short one leaves its connection for the next request. */
const MAX_WEBHOOK_ANSWER_BYTES = 64 * 1024;
/** Words of an endpoint that its answer will come. (RFC 9110, section 15.2) */
const MAX_INTERIM_ANSWERS = 10;

/** The endpoint is where webhooks may not go, unless that is configured. */
class PrivateAddress extends Error {
  override readonly name = 'PrivateAddress';
  readonly code = 'private_address';
}

/**
 * Gives the status of the answer, redirects too: they are not followed. Rejects if there is none in time. Whatever the
 * endpoint does, it does the one or the other.
 *
 * Which address a name stands for is looked at when the connection is made, so that it cannot be another one by then.
 */
export function post(url: URL, { body, headers }: Payload, settings: PostSettings): Promise<number> {
  const { timeoutMs, allowPrivateNetworks, agent } = settings;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (!allowPrivateNetworks && isIP(host) !== 0 && !isPublic(host)) return Promise.reject(privateAddress(host));
  return new Promise((resolveStatus, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const lookup = allowPrivateNetworks ? undefined : publicLookup;
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const request = send(url, { method: 'POST', headers, agent, signal, ...(lookup && { lookup }) });
    request.on('response', (response) => {
      resolveStatus(response.statusCode ?? 0);
      // Nobody looks at it, and the same deadline ends it.
      let leftBytes = MAX_WEBHOOK_ANSWER_BYTES;
      response.on('error', () => response.destroy());
      response.on('data', (chunk: Buffer) => {
        leftBytes -= chunk.length;
        if (leftBytes < 0) response.destroy();
      });
    });
    let interim = 0;
    request.on('information', () => {
      interim += 1;
      if (interim > MAX_INTERIM_ANSWERS) request.destroy(new Error('the endpoint goes on without answering'));
    });
    // Of an upgrade that nobody asked for, Node tells by nothing else.
    request.on('close', () => reject(new Error('the connection was closed without an answer')));
    request.on('error', (error) => {
      reject(signal.aborted ? new Error(`no answer in ${timeoutMs / 1000} s`) : error);
    });
    request.end(body);
  });
}

/** A certificate may have very many names, all of which Node tells. */
const REASON_CHARACTERS = 300;

/** What was wrong, for the log and for operators. */
export function reasonOf(error: unknown): string {
  return printable(error instanceof Error ? error.message : String(error), REASON_CHARACTERS);
}

const publicLookup: LookupFunction = (hostname, options, done) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    const allowed = error === null ? addresses.filter(({ address }) => isPublic(address)) : [];
    const [first] = allowed;
    if (error !== null) done(error, '');
    else if (first === undefined) done(privateAddress(hostname), '');
    else if (options.all === true) done(null, allowed);
    else done(null, first.address, first.family);
  });
};

function isPublic(address: string): boolean {
  return ipaddr.process(address).range() === 'unicast';
}

function privateAddress(host: string): PrivateAddress {
  return new PrivateAddress(`${host} is this machine or in a private network: see webhooks.allowPrivateNetworks`);
}
