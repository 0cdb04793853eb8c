import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { ROOT } from '../support/cli.ts';
import { freePort } from '../support/free-port.ts';
import { unique } from '../support/names.ts';
import { RawClient } from '../support/raw-client.ts';
import { Child } from '../support/scenarios/child.ts';
import { SignedApi } from '../support/signed-api.ts';
import { startFanfare } from '../support/target.ts';
import { until } from '../support/wait.ts';

/** docker/prometheus and docker/grafana against the real Prometheus, which scrapes a real node. */
const FOLDER = join(ROOT, 'docker/prometheus');

interface Alerts {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
}

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const alerts = parse(readFileSync(join(FOLDER, 'alerts.yml'), 'utf8')) as Alerts;
const rules = alerts.groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(readFileSync(join(ROOT, 'docker/grafana/fanfare-dashboard.json'), 'utf8')) as {
  readonly panels: readonly Panel[];
};
const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));

/** What Grafana puts in place of its variables. */
const filled = (expr: string) => expr.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '1m');

t.test('alerts and panels name metrics that a node has', async (t) => {
  const { adminOrigin } = await startFanfare(t, { admin: { port: 0 } });
  const scraped = await (await fetch(`${adminOrigin}/metrics`)).text();
  const known = new Set([...scraped.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name));
  for (const { what, expr } of [
    ...rules.map(({ alert, expr }) => ({ what: alert, expr })),
    ...queries.map(({ title, expr }) => ({ what: title, expr })),
  ]) {
    const names = [...expr.matchAll(/\b(?:fanfare|nodejs|process)_\w+/g)].map(([name]) => name.replace(/_bucket$/, ''));
    t.ok(names.length > 0 || expr.includes('up{'), `${what} asks for something`);
    t.strictSame(
      names.filter((name) => !known.has(name)),
      [],
      what,
    );
  }
});

t.test('promtool: the alerts are valid, and say what they are to say of given series', async (t) => {
  for (const args of [
    ['check', 'rules', 'alerts.yml'],
    ['test', 'rules', 'alerts.test.yml'],
  ]) {
    const { error, status, stdout, stderr } = spawnSync('promtool', args, { cwd: FOLDER, encoding: 'utf8' });
    t.equal(status, 0, error?.message ?? stdout + stderr);
  }
});

t.test('Prometheus scrapes a node, loads the alerts, and answers every query of the dashboard', async (t) => {
  const token = 'a-token-of-the-tests-long-enough';
  const target = await startFanfare(t, { admin: { port: 0, token } });
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-prometheus-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(FOLDER, folder, { recursive: true });
  const file = join(folder, 'prometheus.yml');
  const shipped = readFileSync(file, 'utf8');
  const nodes = '["fanfare-1:9601", "fanfare-2:9601"]';
  const tokenFile = '/etc/prometheus/fanfare-admin-token';
  t.ok(shipped.includes(nodes) && shipped.includes(tokenFile), 'what the test replaces is there');
  writeFileSync(join(folder, 'token'), token);
  const own = shipped
    .replace(nodes, `["127.0.0.1:${new URL(target.adminOrigin).port}"]`)
    .replace(tokenFile, join(folder, 'token'))
    .replaceAll('15s', '1s');
  writeFileSync(file, own);
  const port = await freePort();
  await Child.start(t, 'prometheus', [
    ...[`--config.file=${file}`, `--storage.tsdb.path=${join(folder, 'data')}`],
    ...[`--web.listen-address=127.0.0.1:${port}`, '--log.level=error'],
  ]);
  const ask = async (path: string): Promise<{ status: string; data: Record<string, unknown[]> }> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
    return (await response.json()) as { status: string; data: Record<string, unknown[]> };
  };
  const results = async (expr: string) => {
    const { status, data } = await ask(`query?query=${encodeURIComponent(filled(expr))}`);
    return status === 'success' ? (data.result?.length ?? 0) : -1;
  };
  await until(
    () =>
      results('up{job="fanfare"} == 1').then(
        (count) => count === 1,
        () => false,
      ),
    'Prometheus has scraped',
    20_000,
  );
  const channel = unique('c');
  const client = await RawClient.connect(t, target);
  await client.subscribe(channel);
  const api = new SignedApi(target);
  await until(async () => {
    await api.trigger(channel, 'e', '{}');
    return (await results('rate(fanfare_api_answers_total[1m]) > 0')) > 0;
  }, 'two scrapes');

  // Nothing was refused, authorized or given up here: these have no series, but the query is one.
  const quiet = ['Authorizations', 'Opened, refused and closed by the server', 'Subscriptions begun and refused'];
  for (const { title, expr } of queries) {
    const count = await results(expr);
    t.ok(quiet.includes(title) ? count >= 0 : count > 0, `${title}: ${count} series of ${expr}`);
  }
  const { data } = await ask('rules');
  const [group] = data.groups as { rules: { name: string; health: string; state: string }[] }[];
  await until(async () => {
    const [now] = (await ask('rules')).data.groups as (typeof group)[];
    return now?.rules.every(({ health }) => health === 'ok') === true;
  }, 'every alert was evaluated');
  t.equal(group?.rules.length, rules.length);
  const firing = (await ask('alerts')).data.alerts as { labels: { alertname: string } }[];
  t.strictSame(
    firing.map(({ labels }) => labels.alertname),
    [],
    'and none is raised by a node that is well',
  );
});
