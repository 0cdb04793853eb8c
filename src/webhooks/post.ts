import { lookup as resolve } from 'node:dns';
import { type Agent, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Payload } from './payload.ts';

export interface PostSettings {
  /** How long the whole exchange may take, up to the status. */
  readonly timeoutMs: number;
  /** Whether it may go to this machine or a private network. */
  readonly allowPrivateNetworks: boolean;
  readonly agent: Agent | undefined;
}

/** The endpoint is where webhooks may not go, unless that is configured. */
class PrivateAddress extends Error {
  override readonly name = 'PrivateAddress';
  readonly code = 'private_address';
}

/**
 * Gives the status of the answer, redirects too: they are not followed. Rejects if there is none in time.
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
      // Nobody reads it, and the same deadline ends it.
      response.on('error', () => response.destroy());
      response.resume();
    });
    request.on('error', (error) => {
      reject(signal.aborted ? new Error(`no answer in ${timeoutMs / 1000} s`) : error);
    });
    request.end(body);
  });
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
