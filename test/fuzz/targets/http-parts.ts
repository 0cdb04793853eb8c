import { isIP } from 'node:net';
import { ClientIp } from '../../../src/transport/client-ip.ts';
import { messagesOf } from '../../../src/transport/xhr/send-body.ts';
import { isSockJsPath, requestNumberOf, xhrPathOf } from '../../../src/transport/xhr/xhr-path.ts';
import { type FuzzTarget, mustBeSentence, mustHold } from './target.ts';

const clientIp = new ClientIp(['10.0.0.0/8']);

function run(input: Buffer): number {
  const end = input.indexOf(0x0a);
  const [path = '', query = ''] = input.toString('utf8', 0, end < 0 ? input.length : end).split('?', 2);
  const found = xhrPathOf(path);
  if (found !== undefined) {
    const { appPath, appKey, session, call } = found;
    mustHold(`${appPath}/${session}/${call}` === path, `the parts of ${path} do not make it up`);
    mustHold(appPath.endsWith(`/app/${appKey}`) && !appKey.includes('/'), `the key of ${path} is ${appKey}`);
  }
  mustHold(!(isSockJsPath(path) && path.includes('/app/')), `${path} is taken for a path of SockJS`);
  const number = requestNumberOf(query);
  mustHold(number === undefined || Number.isSafeInteger(number), `the number of ${query} is ${number}`);
  // Whoever is no proxy is what its connection says; behind a proxy, an address stands for the client and nothing else.
  mustHold(clientIp.resolve('203.0.113.9', query) === '203.0.113.9', `a stranger is believed: ${query}`);
  mustHold(isIP(clientIp.resolve('10.0.0.1', query)) !== 0, `no address for ${query}`);
  const messages = messagesOf(end < 0 ? Buffer.alloc(0) : input.subarray(end + 1));
  if (typeof messages === 'string') mustBeSentence(messages, []);
  else mustHold(messages.length <= 100, `${messages.length} messages`);
  return 1;
}

export const httpParts: FuzzTarget = {
  name: 'http-parts',
  input: 'a path and a query of the HTTP transports, and from the second line on the body of a send',
  examples: [
    '/app/app-key/123/abcdefgh/xhr_send?t=1&n=2\n["{\\"event\\":\\"pusher:ping\\",\\"data\\":{}}"]',
    '/resume/t/app/app-key/1/01234567/xhr_streaming?protocol=7',
    '/info?t=1',
    '/?10.0.0.2, 198.51.100.7:443,[2001:db8::1]:1, 10.0.0.3',
  ],
  dictionary: [
    '/app/',
    '/xhr',
    '/xhr_send',
    '/xhr_streaming',
    '/info',
    '/iframe.html',
    '?n=',
    '&',
    '["',
    '"]',
    '[]',
    '\n',
  ],
  run,
};
