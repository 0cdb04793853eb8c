import { useCallback, useState } from 'preact/hooks';
import { get } from './api.ts';
import { ConnectionRows } from './connections.tsx';
import { count } from './format.ts';
import { Badge, Drawer, Empty, Facts, Panel, Problem, Search } from './parts.tsx';
import { usePolled } from './polled.ts';
import type { ChannelRow, FoundConnections } from './types.ts';

interface Channels {
  readonly total: number;
  readonly channels: readonly ChannelRow[];
}

interface ChannelDetail extends ChannelRow {
  readonly members: { readonly total: number; readonly ids: readonly string[] };
  readonly subscribers: FoundConnections;
}

/** The channels that somebody is in, most subscribers first. */
export function ChannelsView(props: { app: string }) {
  const [search, setSearch] = useState('');
  const [open, setOpen] = useState<string>();
  const close = useCallback(() => setOpen(undefined), []);
  const ask = () => get<Channels>('api/channels', { app: props.app, search });
  const { data, problem } = usePolled(ask, `${props.app} ${search}`, 3000);
  return (
    <>
      <Panel
        title={data === undefined ? 'Channels' : `Channels (${count(data.total)})`}
        aside={<Search value={search} label="Search channels" onChange={setSearch} />}
        flush
      >
        <Problem message={problem} />
        {data?.channels.length === 0 && (
          <Empty>{search === '' ? 'Nobody is subscribed to anything.' : `No channel's name has “${search}”.`}</Empty>
        )}
        {data !== undefined && data.channels.length > 0 && (
          <div class="scroll">
            <table class="rows">
              <thead>
                <tr>
                  <th>Channel</th>
                  <th>Kind</th>
                  <th class="num">Subscribers</th>
                  <th class="num">Members</th>
                </tr>
              </thead>
              <tbody>
                {data.channels.map((channel) => (
                  <tr key={channel.name}>
                    <td>
                      <button type="button" class="link mono" onClick={() => setOpen(channel.name)}>
                        {channel.name}
                      </button>
                    </td>
                    <td>
                      <Kind of={channel} />
                    </td>
                    <td class="num">{count(channel.subscriptionCount)}</td>
                    <td class="num">{channel.access === 'presence' ? count(channel.userCount) : ''}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {data !== undefined && data.total > data.channels.length && (
          <Empty>The first {data.channels.length} are shown: search for others.</Empty>
        )}
      </Panel>
      {open !== undefined && <Detail app={props.app} name={open} onClose={close} />}
    </>
  );
}

function Kind(props: { of: ChannelRow }) {
  const { access, encrypted, cache } = props.of;
  const tone = { public: undefined, private: 'info', presence: 'good' } as const;
  return (
    <>
      <Badge tone={tone[access]}>{access}</Badge>
      {encrypted && <Badge>encrypted</Badge>}
      {cache && <Badge>cache</Badge>}
    </>
  );
}

function Detail(props: { app: string; name: string; onClose: () => void }) {
  const ask = () => get<ChannelDetail>('api/channel', { app: props.app, channel: props.name });
  const { data, problem } = usePolled(ask, props.name, 3000);
  return (
    <Drawer title={props.name} onClose={props.onClose}>
      <Problem message={problem} />
      {data !== undefined && (
        <>
          <Facts
            rows={[
              ['Kind', <Kind key="kind" of={data} />],
              ['Subscribers', count(data.subscriptionCount)],
              ...(data.access === 'presence' ? ([['Members', count(data.userCount)]] as const) : []),
            ]}
          />
          {data.members.ids.length > 0 && (
            <>
              <h3>Members</h3>
              <p class="chips">
                {data.members.ids.map((id) => (
                  <span class="chip mono" key={id}>
                    {id}
                  </span>
                ))}
              </p>
            </>
          )}
          <h3>Subscribers</h3>
          <ConnectionRows app={props.app} found={data.subscribers} />
        </>
      )}
    </Drawer>
  );
}
