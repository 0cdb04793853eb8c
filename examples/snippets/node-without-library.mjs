// node examples/snippets/node-without-library.mjs CHANNEL EVENT 'JSON'          (nothing to install)
import { createHash, createHmac } from 'node:crypto';

const { FANFARE_URL: url = 'http://127.0.0.1:6001' } = process.env;
const { PUSHER_APP_ID: appId = 'app-id', PUSHER_APP_KEY: key = 'app-key' } = process.env;
const { PUSHER_APP_SECRET: secret = 'app-secret' } = process.env;

/** Resolves once Fanfare has taken the event. */
export async function trigger(channels, name, data) {
  const body = JSON.stringify({ name, channels, data: JSON.stringify(data) });
  const path = `/apps/${appId}/events`;
  const md5 = createHash('md5').update(body).digest('hex');
  const now = Math.floor(Date.now() / 1000);
  const query = `auth_key=${key}&auth_timestamp=${now}&auth_version=1.0&body_md5=${md5}`;
  const signature = createHmac('sha256', secret).update(`POST\n${path}\n${query}`).digest('hex');
  const headers = { 'Content-Type': 'application/json' };
  const response = await fetch(`${url}${path}?${query}&auth_signature=${signature}`, { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}

const [channel = 'news', event = 'message', data = '{}'] = process.argv.slice(2);
await trigger([channel], event, JSON.parse(data));
