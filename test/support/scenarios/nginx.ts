import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { CERTIFICATE, CERTIFICATE_KEY } from '../certificate.ts';
import { freePort } from '../free-port.ts';
import { until } from '../wait.ts';
import { Child } from './child.ts';

const SHIPPED = fileURLToPath(new URL('../../../nginx', import.meta.url));

/** Debian puts it into a folder that only root has on the path. */
export const NGINX = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', 'nginx'].find(
  (name) => spawnSync(name, ['-v']).status === 0,
);

const TEMPORARY_FOLDERS = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/**
 * Changes one place of a file that must be there: a test of a configuration that someone has since rewritten proves
 * nothing.
 */
function replaced(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`nginx/: '${from}' is not there any more; the tests replace it`);
  return text.replaceAll(from, to);
}

/**
 * A copy of the shipped configuration that runs anywhere and beside others: its own ports, folder, certificate and
 * nodes. All else is what users get.
 */
export class NginxFolder {
  readonly path: string;
  readonly httpPort: number;
  readonly httpsPort: number;

  private constructor(path: string, httpPort: number, httpsPort: number) {
    this.path = path;
    this.httpPort = httpPort;
    this.httpsPort = httpsPort;
  }

  static async create(t: Test): Promise<NginxFolder> {
    const path = mkdtempSync(join(tmpdir(), 'fanfare-nginx-'));
    t.teardown(() => rmSync(path, { recursive: true, force: true }));
    // Started by root, its workers are another user, and write large bodies here.
    chmodSync(path, 0o755);
    cpSync(SHIPPED, path, { recursive: true });
    const folder = new NginxFolder(path, await freePort(), await freePort());
    folder.edit('nginx.conf', [
      ['listen 80;', `listen 127.0.0.1:${folder.httpPort};`],
      ['listen 443 ssl;', `listen 127.0.0.1:${folder.httpsPort} ssl;`],
      ['    listen [::]:80;\n', ''],
      ['    listen [::]:443 ssl;\n', ''],
      ['/etc/nginx/tls/fullchain.pem', join(path, 'cert.pem')],
      ['/etc/nginx/tls/privkey.pem', join(path, 'key.pem')],
      ['pid /run/nginx.pid;', `pid ${path}/nginx.pid;`],
      ['worker_rlimit_nofile 200000;', ''],
      ['worker_connections 65536;', 'worker_connections 2048;'],
      ['error_log /var/log/nginx/error.log', 'error_log stderr'],
      ['access_log /var/log/nginx/access.log fanfare;', `access_log ${path}/access.log fanfare;`],
      ['http {\n', `http {\n${TEMPORARY_FOLDERS.map((kind) => `  ${kind}_temp_path ${path}/${kind};\n`).join('')}`],
    ]);
    writeFileSync(join(path, 'cert.pem'), CERTIFICATE);
    writeFileSync(join(path, 'key.pem'), CERTIFICATE_KEY);
    return folder;
  }

  edit(file: string, changes: ReadonlyArray<readonly [from: string, to: string]>): void {
    const path = join(this.path, file);
    let text = readFileSync(path, 'utf8');
    for (const [from, to] of changes) text = replaced(text, from, to);
    writeFileSync(path, text);
  }

  /** Sends traffic to the nodes on these ports of loopback. */
  setNodes(ports: readonly number[]): void {
    const path = join(this.path, 'fanfare-upstream.conf');
    const shipped = readFileSync(path, 'utf8');
    const groups = shipped.match(/(?:^ {2}server .*\n)+/gm) ?? [];
    if (groups.length !== 2) throw new Error('nginx/fanfare-upstream.conf does not list the nodes twice any more');
    let text = shipped;
    for (const group of new Set(groups)) {
      const [first = ''] = group.split('\n');
      const lines = ports.map((port) => `${first.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`)}\n`);
      text = replaced(text, group, lines.join(''));
    }
    writeFileSync(path, text);
  }

  /** `nginx -t`: what it said, and whether it was content. */
  check(): { readonly ok: boolean; readonly said: string } {
    const { status, stderr } = spawnSync(installedNginx(), this.#arguments('-t'), { encoding: 'utf8' });
    return { ok: status === 0, said: stderr };
  }

  async start(t: Test): Promise<Child> {
    const nginx = await Child.start(t, installedNginx(), this.#arguments('-g', 'daemon off;'));
    await until(() => accepts(this.httpsPort), 'nginx listens');
    return nginx;
  }

  /** Takes the edited files; connections that are open stay with the old ones. */
  reload(): void {
    const { status, stderr } = spawnSync(installedNginx(), this.#arguments('-s', 'reload'), { encoding: 'utf8' });
    if (status !== 0) throw new Error(`nginx -s reload: ${stderr}`);
  }

  accessLog(): string {
    return readFileSync(join(this.path, 'access.log'), 'utf8');
  }

  #arguments(...more: string[]): string[] {
    return ['-e', 'stderr', '-p', this.path, '-c', join(this.path, 'nginx.conf'), ...more];
  }
}

function installedNginx(): string {
  if (NGINX === undefined) throw new Error('These tests need nginx and found none: apt-get install nginx-light');
  return NGINX;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
