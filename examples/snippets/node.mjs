// node examples/snippets/node.mjs CHANNEL EVENT 'JSON'          (npm install pusher)
import Pusher from 'pusher';

const { hostname, port, protocol } = new URL(process.env.FANFARE_URL ?? 'http://127.0.0.1:6001');
const useTLS = protocol === 'https:';
const pusher = new Pusher({
  appId: process.env.PUSHER_APP_ID ?? 'app-id',
  key: process.env.PUSHER_APP_KEY ?? 'app-key',
  secret: process.env.PUSHER_APP_SECRET ?? 'app-secret',
  host: hostname,
  port: port || (useTLS ? '443' : '80'),
  useTLS,
});

const [channel = 'news', event = 'message', data = '{}'] = process.argv.slice(2);
await pusher.trigger(channel, event, JSON.parse(data));
