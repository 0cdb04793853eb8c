/**
 * A member of a chat in a process of its own, so that a test can freeze it: `member-process.ts ORIGIN KEY TOKEN
 * CHANNEL`.
 */
import { Pusher } from '../pusher-client.ts';

const [origin = '', key = '', token = '', channel = ''] = process.argv.slice(2);
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
const { hostname, port } = new URL(origin);
const pusher = new Pusher(key, {
  cluster: '',
  wsHost: hostname,
  wssPort: Number(port),
  forceTLS: true,
  enabledTransports: ['ws'],
  channelAuthorization: {
    transport: 'ajax',
    endpoint: `${origin}/broadcasting/auth`,
    headers: { Authorization: `Bearer ${token}` },
  },
});
pusher.subscribe(channel).bind('pusher:subscription_succeeded', () => console.log('joined'));
