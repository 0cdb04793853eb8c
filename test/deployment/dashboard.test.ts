import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ROOT } from '../support/cli.ts';
import { complaints, projectFolder } from '../support/compiler.ts';

/**
 * The dashboard as a value of the types that Grafana publishes, which is as near to Grafana as a test can come without
 * one. They know neither units nor Prometheus's queries; what a query holds is said here.
 */
const TYPES = `
import type { Dashboard as AnyDashboard, DataQuery, FieldConfigSource, Panel, RowPanel } from '@grafana/schema';
import type { Options as Stat } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type {
  FieldConfig as TimeSeriesFields,
  Options as TimeSeries,
} from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

/** JSON writes the texts of an enum, and not its names. */
type AsJson<T> = T extends string ? \`\${T}\`
  : T extends readonly (infer Item)[] ? AsJson<Item>[]
  : T extends object ? { [Key in keyof T]: AsJson<T[Key]> }
  : T;

type Query = DataQuery & { expr: string; legendFormat: string };
type Fields<Custom> = Omit<FieldConfigSource, 'defaults'> & {
  defaults: Omit<FieldConfigSource['defaults'], 'custom'> & { custom?: Custom };
};
type DataPanel<Type, Options, Custom> = AsJson<
  Omit<Panel, 'type' | 'options' | 'targets' | 'fieldConfig'> & {
    type: Type;
    options: Options;
    targets: Query[];
    fieldConfig: Fields<Custom>;
  }
>;
type Panels = AsJson<RowPanel> | DataPanel<'stat', Stat, never> | DataPanel<'timeseries', TimeSeries, TimeSeriesFields>;
export type Dashboard = AsJson<Omit<AnyDashboard, 'panels'>> & { panels: Panels[] };
`;

const shipped = readFileSync(join(ROOT, 'docker/grafana/fanfare-dashboard.json'), 'utf8');

const MISTAKES = [
  ['"graphTooltip": 1', '"graphTooltip": 7'],
  ['"colorMode": "value"', '"colorMode": "values"'],
  ['"drawStyle": "line"', '"drawStyle": "lines"'],
  ['"fillOpacity"', '"fillOpacitty"'],
  ['"showLegend"', '"showLegends"'],
  ['"legendFormat"', '"legend"'],
  ['"reduceOptions"', '"reducers"'],
  ['"includeAll": true', '"includeAll": "yes"'],
  ['"type": "timeseries"', '"type": "graph"'],
] as const;

t.test("the dashboard fits Grafana's published types, each panel those of its kind", async (t) => {
  const folder = projectFolder(t);
  writeFileSync(join(folder, 'types.ts'), TYPES);
  const written = (name: string, dashboard: string): string => {
    const file = `import type { Dashboard } from './types.ts';\nexport const dashboard: Dashboard = ${dashboard};\n`;
    writeFileSync(join(folder, name), file);
    return name;
  };
  t.equal(complaints(folder, [written('shipped.ts', shipped)]), '');

  const found = complaints(
    folder,
    MISTAKES.map(([right, wrong], index) => written(`wrong-${index}.ts`, shipped.replace(right, wrong))),
  );
  for (const [index, [right, wrong]] of MISTAKES.entries()) {
    t.ok(shipped.includes(right), right);
    t.match(found, `wrong-${index}.ts(`, `${wrong} is found`);
  }
});
