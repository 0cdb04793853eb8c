/**
 * Exits with 0 if the node in this container can serve, with 1 and a sentence if it cannot. Asks GET /ready on the port that
 * FANFARE_PORT names, or at the address that is given: `node healthcheck.mjs http://127.0.0.1:6001/ready`.
 */
import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';

const TIMEOUT_MS = 2500;
const { FANFARE_PORT: port = '6001', FANFARE_TLS_CERT_FILE: certFile = '' } = process.env;
const url = new URL(process.argv[2] ?? `${certFile === '' ? 'http' : 'https'}://127.0.0.1:${port}/ready`);
const get = url.protocol === 'https:' ? httpsGet : httpGet;

// The certificate is for the public name, not for this address.
const request = get(url, { rejectUnauthorized: false, timeout: TIMEOUT_MS }, (response) => {
  response.resume();
  finish(response.statusCode === 200, `${url} answered ${response.statusCode}`);
});
request.once('timeout', () => finish(false, `${url} did not answer within ${TIMEOUT_MS} ms`));
request.once('error', (error) => finish(false, `${url}: ${error.message}`));

function finish(healthy, sentence) {
  console.log(sentence);
  process.exit(healthy ? 0 : 1);
}
