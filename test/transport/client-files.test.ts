import { gzipSync } from 'node:zlib';
import t from 'tap';
import { send } from '../support/signed-api.ts';
import { startFanfare } from '../support/target.ts';

const target = await startFanfare(t, { pathPrefix: '/realtime' });

t.test('the helper for browsers is served to any site, small and cached', async (t) => {
  for (const path of ['/fanfare/client.js', '/fanfare/client.mjs', '/realtime/fanfare/client.js']) {
    const { status, text, headers } = await send(target.origin, 'GET', path);
    t.equal(status, 200, path);
    t.equal(headers['content-type'], 'text/javascript; charset=utf-8');
    t.match(headers['cache-control'], /^public, max-age=\d+$/);
    t.equal(headers['access-control-allow-origin'], '*');
    t.match(text, path.endsWith('.mjs') ? /export\s*\{.*\bas resumable\b/ : /^"use strict";var Fanfare=/);
    t.ok(gzipSync(text).byteLength <= 1536, `${gzipSync(text).byteLength} bytes by gzip`);
    const { etag = '' } = headers;
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
      const again = await send(target.origin, 'GET', path, { 'If-None-Match': known });
      t.equal(again.status, 304);
      t.equal(again.text, '');
    }
    t.equal((await send(target.origin, 'GET', path, { 'If-None-Match': '"other"' })).status, 200);
  }
});

t.test('what nobody should ask of it', async (t) => {
  const posted = await send(target.origin, 'POST', '/fanfare/client.js');
  t.equal(posted.status, 405);
  t.equal(posted.headers.allow, 'GET, HEAD');
  t.equal((await send(target.origin, 'GET', '/fanfare/client.js.map')).status, 404);
  t.equal((await send(target.origin, 'GET', '/fanfare/')).status, 404);
});
