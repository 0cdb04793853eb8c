import { parseQuery } from '../../../src/api/query.ts';
import { verifyRequest } from '../../../src/api/request-signature.ts';
import { Refusal } from '../../../src/api/responses.ts';
import { channelSignature, isAuthValid } from '../../../src/protocol/signatures.ts';
import { app, NOW_SECONDS, request, SECRET } from '../../support/api.ts';
import { channelAuth } from '../../support/signing.ts';
import { VECTOR_APP } from '../../support/unit-app.ts';
import { type FuzzTarget, mustBeSentence, mustHold } from './target.ts';

const APP = app();
/** A signed request of the published vectors, and what is signed in it. */
const PATH = '/apps/3/events';
const BODY = '{"name":"foo","channels":["project-3"],"data":"{\\"some\\":\\"data\\"}"}';
const QUERY =
  'auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0&' +
  'body_md5=ec365a775a4cd0599faeb73354201b6f&' +
  'auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c';

const canonical = (query: string) =>
  JSON.stringify(
    parseQuery(query)
      .map(([name, value]) => [name.toLowerCase(), value])
      .sort(),
  );

function run(input: Buffer): number {
  const [query = '', body = '', auth = ''] = input.toString('utf8').split('\n', 3);
  const sent = request('POST', PATH, query, body);
  try {
    verifyRequest(APP, sent, parseQuery(query), NOW_SECONDS * 1000);
    mustHold(body === BODY, `a body that was never signed: ${body}`);
    mustHold(canonical(query) === canonical(QUERY), `parameters that were never signed: ${query}`);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    mustHold(error.status === 401, `refused with ${error.status}`);
    mustBeSentence(error.message, [SECRET]);
  }
  const valid = isAuthValid(auth, VECTOR_APP.key, channelSignature(SECRET, '1.1', 'private-a'));
  mustHold(valid === (auth === channelAuth(VECTOR_APP, '1.1', 'private-a')), `the signature ${auth} is ${valid}`);
  return 1;
}

export const signatures: FuzzTarget = {
  name: 'signatures',
  input: 'the query and the body of a POST to /apps/3/events, and an `auth` for private-a, a line each',
  examples: [`${QUERY}\n${BODY}\n${channelAuth(VECTOR_APP, '1.1', 'private-a')}`],
  dictionary: [
    '&',
    '=',
    '%',
    '+',
    '%26',
    'auth_signature=',
    'AUTH_KEY=',
    'body_md5=',
    'auth_timestamp=',
    ':',
    '\n',
    'a=b',
  ],
  run,
};
