import { useState } from 'preact/hooks';
import { get } from './api.ts';
import { Chart } from './chart.tsx';
import { bytes, count, duration, milliseconds, nodeName, rate } from './format.ts';
import { Badge, Panel, Problem } from './parts.tsx';
import { usePolled } from './polled.ts';
import type { Figures, Overview as OverviewAnswer, Sample } from './types.ts';

const SILENT_MS = 15_000;

/** How the cluster is, and how one of its nodes has been. */
export function Overview() {
  const [chosen, setChosen] = useState('');
  const { data, problem } = usePolled(() => get<OverviewAnswer>('api/overview', { node: chosen }), chosen, 5000);
  if (data === undefined) return <Problem message={problem} />;
  const { nodes, samples } = data;
  const node = chosen === '' ? data.node : chosen;
  return (
    <>
      <Problem message={problem} />
      <Tiles nodes={nodes} />
      <Panel title={nodes.length > 1 ? `Last 15 minutes of ${nodeName(node)}` : 'Last 15 minutes'}>
        <Charts samples={samples} />
      </Panel>
      <Panel title={`Nodes (${nodes.length})`} flush>
        <div class="scroll">
          <table class="rows">
            <thead>
              <tr>
                <th>Node</th>
                <th>State</th>
                <th class="num">Connections</th>
                <th class="num">Triggers/s</th>
                <th class="num">Sent/s</th>
                <th class="num">Latency p99</th>
                <th class="num">Event loop p99</th>
                <th class="num">Memory</th>
                <th class="num">Up for</th>
                <th>Version</th>
              </tr>
            </thead>
            <tbody>
              {nodes.map((one) => (
                <tr key={one.id} class={one.id === node ? 'chosen' : ''}>
                  <td>
                    <button type="button" class="link mono" onClick={() => setChosen(one.id)}>
                      {nodeName(one.id)}
                    </button>
                  </td>
                  <td>{stateOf(one)}</td>
                  <td class="num">{count(one.connections ?? 0)}</td>
                  <td class="num">{rate(one.triggersPerSecond ?? 0)}</td>
                  <td class="num">{rate(one.framesOutPerSecond ?? 0)}</td>
                  <td class="num">{milliseconds(one.latencyP99Ms)}</td>
                  <td class="num">{milliseconds(one.eventLoopP99Ms)}</td>
                  <td class="num">{one.memoryBytes === undefined ? '–' : bytes(one.memoryBytes)}</td>
                  <td class="num">{duration(Date.now() - one.startedAtMs)}</td>
                  <td class="mono">{one.version}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Panel>
    </>
  );
}

function stateOf({ heardAtMs, ready }: Figures) {
  if (Date.now() - heardAtMs > SILENT_MS) return <Badge tone="bad">silent</Badge>;
  return ready ? <Badge tone="good">ready</Badge> : <Badge tone="warn">not ready</Badge>;
}

function Tiles(props: { nodes: readonly Figures[] }) {
  const sum = (read: (node: Figures) => number | undefined) =>
    props.nodes.reduce((total, node) => total + (read(node) ?? 0), 0);
  const worst = Math.max(...props.nodes.map(({ latencyP99Ms }) => latencyP99Ms ?? -1));
  const tiles = [
    ['Connections', count(sum((node) => node.connections))],
    ['Subscriptions', count(sum((node) => node.subscriptions))],
    ['Triggers a second', rate(sum((node) => node.triggersPerSecond))],
    ['Messages sent a second', rate(sum((node) => node.framesOutPerSecond))],
    ['Delivery latency, p99', worst < 0 ? '–' : milliseconds(worst)],
  ] as const;
  return (
    <div class="tiles">
      {tiles.map(([label, value]) => (
        <div class="tile" key={label}>
          <span>{label}</span>
          <strong>{value}</strong>
        </div>
      ))}
    </div>
  );
}

function Charts(props: { samples: readonly Sample[] }) {
  const { samples } = props;
  const times = samples.map(({ atMs }) => atMs);
  const values = (read: (sample: Sample) => number | null) => samples.map(read);
  if (samples.length === 0) return <p class="empty">The first figures come in a few seconds.</p>;
  return (
    <div class="charts">
      <Chart
        title="Connections"
        times={times}
        format={count}
        series={[{ label: 'connections', color: '--violet', values: values((s) => s.connections) }]}
      />
      <Chart
        title="Events a second"
        times={times}
        format={rate}
        series={[
          { label: 'sent', color: '--violet', values: values((s) => s.framesOutPerSecond) },
          { label: 'triggered', color: '--amber', values: values((s) => s.triggersPerSecond) },
        ]}
      />
      <Chart
        title="Delivery latency"
        times={times}
        format={milliseconds}
        series={[
          { label: 'p99', color: '--violet', values: values((s) => s.latencyP99Ms) },
          { label: 'p50', color: '--teal', values: values((s) => s.latencyP50Ms) },
        ]}
      />
      <Chart
        title="Delays"
        times={times}
        format={milliseconds}
        series={[
          { label: 'loop p99', color: '--violet', values: values((s) => s.eventLoopP99Ms) },
          { label: 'round trip', color: '--teal', values: values((s) => s.sharedStateMs) },
        ]}
      />
      <Chart
        title="Memory"
        times={times}
        format={bytes}
        series={[{ label: 'memory', color: '--violet', values: values((s) => s.memoryBytes) }]}
      />
      <Chart
        title="Traffic out"
        times={times}
        format={(value) => `${bytes(value)}/s`}
        series={[{ label: 'bytes', color: '--violet', values: values((s) => s.bytesOutPerSecond) }]}
      />
    </div>
  );
}
