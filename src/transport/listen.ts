import type { TemplatedApp, us_listen_socket } from 'uWebSockets.js';
import type { UwsModule } from './uws.ts';

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile?: string | undefined;
  readonly passphrase?: string | undefined;
}

/** The address cannot be listened on: in use, or not this machine's. */
class ListenFailed extends Error {
  override readonly name = 'ListenFailed';
  readonly code = 'listen_failed';
}

export interface Listening {
  readonly port: number;
  /** Takes no further connections, for a while or for good; those that are open stay. */
  close(): void;
  /** Takes connections again, on the same port; rejects with ListenFailed. */
  reopen(): Promise<void>;
}

export function createNativeApp(uws: UwsModule, tls: TlsFiles | undefined): TemplatedApp {
  if (tls === undefined) return uws.App();
  return uws.SSLApp({
    cert_file_name: tls.certFile,
    key_file_name: tls.keyFile,
    ...(tls.caFile === undefined ? {} : { ca_file_name: tls.caFile }),
    ...(tls.passphrase === undefined ? {} : { passphrase: tls.passphrase }),
  });
}

/** LIBUS_LISTEN_EXCLUSIVE_PORT, which the types declare under another name than the module exports. */
const LISTEN_EXCLUSIVE = 1;

/** The types lack the form with four arguments, which alone takes both a host and options. */
type ListenExclusively = (
  host: string,
  port: number,
  options: number,
  callback: (socket: us_listen_socket | false) => void,
) => void;

function sentence(host: string, port: number): string {
  return (
    `Cannot listen on ${host}:${port}: it is in use, or not an address of this machine. ` +
    'Another port: --port, or FANFARE_PORT; another address: --host.'
  );
}

/** @param port 0 takes a free one; rejects with ListenFailed */
export async function listen(uws: UwsModule, app: TemplatedApp, host: string, port: number): Promise<Listening> {
  let socket: us_listen_socket | undefined = await openSocket(app, host, port);
  const actualPort = uws.us_socket_local_port(socket);
  return {
    port: actualPort,
    close() {
      if (socket !== undefined) uws.us_listen_socket_close(socket);
      socket = undefined;
    },
    async reopen() {
      socket ??= await openSocket(app, host, actualPort);
    },
  };
}

function openSocket(app: TemplatedApp, host: string, port: number): Promise<us_listen_socket> {
  return new Promise((resolve, reject) => {
    // Without "exclusive" the kernel would let a second server share the port, and clients land on either.
    const exclusive = LISTEN_EXCLUSIVE;
    (app.listen as unknown as ListenExclusively).call(app, host, port, exclusive, (socket) => {
      if (socket !== false) resolve(socket);
      else reject(new ListenFailed(sentence(host, port)));
    });
  });
}
