import { useCallback, useState } from 'preact/hooks';
import { get, post, sentence } from './api.ts';
import { clock, count, duration, nodeName } from './format.ts';
import { Badge, Drawer, Empty, Facts, Panel, Problem, Search } from './parts.tsx';
import { usePolled } from './polled.ts';
import type { ConnectionStory, FoundConnections } from './types.ts';

/** The open connections, newest first. */
export function ConnectionsView(props: { app: string }) {
  const [search, setSearch] = useState('');
  const ask = () => get<FoundConnections>('api/connections', { app: props.app, search });
  const { data, problem } = usePolled(ask, `${props.app} ${search}`, 3000);
  return (
    <Panel
      title={data === undefined ? 'Connections' : `Connections (${count(data.total)})`}
      aside={<Search value={search} label="Search by user, socket id or address" onChange={setSearch} />}
      flush
    >
      <Problem message={problem} />
      {data !== undefined && <ConnectionRows app={props.app} found={data} />}
    </Panel>
  );
}

export function ConnectionRows(props: { app: string; found: FoundConnections }) {
  const [open, setOpen] = useState<string>();
  const close = useCallback(() => setOpen(undefined), []);
  const { connections, total } = props.found;
  if (connections.length === 0) return <Empty>No connection.</Empty>;
  return (
    <>
      <div class="scroll">
        <table class="rows">
          <thead>
            <tr>
              <th>Socket id</th>
              <th>User</th>
              <th>Address</th>
              <th>Since</th>
              <th class="num">Channels</th>
              <th>Node</th>
            </tr>
          </thead>
          <tbody>
            {connections.map((one) => (
              <tr key={one.socketId}>
                <td>
                  <button type="button" class="link mono" onClick={() => setOpen(one.socketId)}>
                    {one.socketId}
                  </button>
                </td>
                <td class="mono">{one.userId ?? ''}</td>
                <td class="mono">{one.ip}</td>
                <td title={clock(one.openedAtMs)}>{duration(Date.now() - one.openedAtMs)}</td>
                <td class="num">{one.channels}</td>
                <td class="mono">{nodeName(one.node)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {total > connections.length && <Empty>The first {connections.length} are shown.</Empty>}
      {open !== undefined && <Story app={props.app} socketId={open} onClose={close} />}
    </>
  );
}

function Story(props: { app: string; socketId: string; onClose: () => void }) {
  const { app, socketId } = props;
  const ask = () => get<ConnectionStory>('api/connection', { socketId });
  const { data, problem, again } = usePolled(ask, socketId, 3000);
  return (
    <Drawer title={socketId} onClose={props.onClose}>
      <Problem message={problem} />
      {data?.open === true && <Living app={app} story={data} changed={again} />}
      {data !== undefined && !data.open && <Badge tone="warn">closed</Badge>}
      {data !== undefined && (
        <>
          <h3>What happened</h3>
          {data.happenings.length === 0 && <Empty>Nothing out of the ordinary.</Empty>}
          <ol class="story">
            {data.happenings.map((happening) => (
              <li key={`${happening.atMs} ${happening.message}`} class={happening.level}>
                <time>{clock(happening.atMs)}</time>
                <span>
                  {happening.message}
                  <small>{fieldsText(happening.fields)}</small>
                </span>
              </li>
            ))}
          </ol>
        </>
      )}
    </Drawer>
  );
}

function Living(props: { app: string; story: ConnectionStory; changed: () => void }) {
  const { story } = props;
  const { resume, userIds } = story;
  return (
    <>
      <Facts
        rows={[
          [
            'State',
            <Badge key="state" tone="good">
              open
            </Badge>,
          ],
          ['Since', `${clock(story.openedAtMs)}, for ${duration(Date.now() - story.openedAtMs)}`],
          ['From', `${story.ip}${story.origin === '' ? '' : `, ${story.origin}`}`],
          ['By', `${story.transport} at ${nodeName(story.node)}`],
          ['Last heard of', `${duration(Date.now() - story.lastSeenMs)} ago`],
          ['User', userIds.length === 0 ? (story.userId ?? 'not known') : userIds.join(', ')],
          ['Resume', resume === undefined ? 'not asked for' : standing(resume)],
        ]}
      />
      <Disconnect app={props.app} story={story} changed={props.changed} />
      <h3>Channels ({story.joined.length})</h3>
      {story.joined.length === 0 && <Empty>None.</Empty>}
      <ul class="plain">
        {story.joined.map(({ channel, sinceMs, resumable }) => (
          <li key={channel}>
            <span class="mono">{channel}</span> <small>since {clock(sinceMs)}</small>{' '}
            {resumable && <Badge tone="info">resumable</Badge>}
          </li>
        ))}
      </ul>
    </>
  );
}

function Disconnect(props: { app: string; story: ConnectionStory; changed: () => void }) {
  const { app, story, changed } = props;
  const [sure, setSure] = useState<'user' | 'socket'>();
  const [said, setSaid] = useState<string>();
  const userId = story.userIds[0] ?? story.userId;
  const act = async (what: 'user' | 'socket') => {
    if (sure !== what) {
      setSure(what);
      return;
    }
    setSure(undefined);
    try {
      await post('api/disconnect', what === 'user' ? { app, userId } : { app, socketId: story.socketId });
      setSaid('Told to close.');
      changed();
    } catch (error) {
      setSaid(sentence(error));
    }
  };
  return (
    <p class="actions">
      {userId !== undefined && (
        <button type="button" class="danger" onClick={() => void act('user')}>
          {sure === 'user' ? 'Click again to disconnect' : `Disconnect user ${userId}`}
        </button>
      )}
      <button type="button" class="danger quiet" onClick={() => void act('socket')}>
        {sure === 'socket' ? 'Click again to close' : 'Close this connection'}
      </button>
      {said !== undefined && <span role="status">{said}</span>}
    </p>
  );
}

function standing({
  asked,
  acknowledged,
  superseded,
  awaitedChannels,
}: NonNullable<ConnectionStory['resume']>): string {
  if (superseded) return 'another connection has taken the session over';
  const waits = awaitedChannels > 0 ? `; ${awaitedChannels} channels not joined again yet` : '';
  if (asked === 0) return `nothing to acknowledge yet${waits}`;
  return `acknowledged up to ${acknowledged} of ${asked}${waits}`;
}

function fieldsText(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .filter(([name]) => name !== 'appId' && name !== 'ip')
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' · ');
}
