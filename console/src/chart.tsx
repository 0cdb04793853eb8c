import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';

export interface Series {
  readonly label: string;
  /** A custom property of the style sheet, such as `--violet`. */
  readonly color: string;
  readonly values: ReadonlyArray<number | null>;
}

const HEIGHT = 150;
const WINDOW_SECONDS = 15 * 60;

/** Lines over time, with the values under the pointer in its legend. */
export function Chart(props: {
  title: string;
  times: readonly number[];
  series: readonly Series[];
  format: (value: number) => string;
}) {
  const { times, series, format } = props;
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const shape = series.map(({ label }) => label).join();
  const data = [times.map((time) => time / 1000), ...series.map(({ values }) => [...values])] as uPlot.AlignedData;

  useEffect(() => {
    const element = holder.current;
    if (element === null) return;
    const build = () => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf(element, series, format), data, element);
    };
    build();
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', build);
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    return () => {
      scheme.removeEventListener('change', build);
      resized.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [shape]);
  useEffect(() => plot.current?.setData(data));

  const last = series.map(({ label, color, values }) => ({ label, color, value: values.at(-1) }));
  return (
    <figure class="chart">
      <figcaption>
        <span>{props.title}</span>
        <span class="chart-now">
          {last.map(({ label, color, value }) => (
            <span key={label}>
              <i class="dot" style={{ background: `var(${color})` }} />
              {series.length > 1 ? `${label} ` : ''}
              <b>{value === null || value === undefined ? '–' : format(value)}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={holder} role="img" aria-label={`${props.title}, the last 15 minutes`} />
    </figure>
  );
}

function optionsOf(element: HTMLElement, series: readonly Series[], format: (value: number) => string): uPlot.Options {
  const style = getComputedStyle(element);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const axis = { stroke: color('--muted'), grid: { stroke: color('--line'), width: 1 }, ticks: { show: false } };
  const font = '11px system-ui, sans-serif';
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    padding: [8, 10, 0, 0],
    scales: {
      x: { range: (_, __, last) => [last - WINDOW_SECONDS, last] },
      y: { range: (_, __, max) => [0, max === null || max <= 0 ? 1 : max * 1.15] },
    },
    axes: [
      { ...axis, font, size: 26, space: 70, values: (_, ticks) => ticks.map((tick) => clockOf(tick)) },
      { ...axis, font, size: 52, space: 34, values: (_, ticks) => named(ticks.map(format)) },
    ],
    series: [
      {},
      ...series.map(({ label, color: name }, index) => ({
        label,
        stroke: color(name),
        width: 1.75,
        spanGaps: false,
        points: { show: false },
        ...(index === 0 ? { fill: `color-mix(in srgb, ${color(name)} 12%, transparent)` } : {}),
      })),
    ],
  };
}

function clockOf(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
}

/** If several ticks have the same name, as those of half a connection and of one, only the uppermost keeps it. */
function named(labels: readonly string[]): string[] {
  return labels.map((label, at) => (label === labels[at + 1] ? '' : label));
}
