import t from 'tap';
import { NginxFolder } from '../support/scenarios/nginx.ts';

t.test('the shipped configuration passes nginx -t', async (t) => {
  const folder = await NginxFolder.create(t);
  folder.setNodes([6001, 6002, 6003]);
  const { ok, said } = folder.check();
  t.ok(ok, said);
  t.notMatch(said, /warn/, 'and without a warning');
});

t.test('the path-prefix variant passes nginx -t', async (t) => {
  const folder = await NginxFolder.create(t);
  folder.edit('nginx.conf', [['include fanfare-locations.conf;', 'include fanfare-prefix-locations.conf;']]);
  const { ok, said } = folder.check();
  t.ok(ok, said);
});
