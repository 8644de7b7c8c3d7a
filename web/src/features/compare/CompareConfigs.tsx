import type { Run } from "@/api/client";
import { api } from "@/api/client";
import { DifferenceTable } from "@/features/config/DifferenceTable";
import { type Config, catalogPath, differingPaths, getAt } from "@/features/config/paths";
import { Empty, Loading } from "@/shared/views";
import { text } from "@/text";

const MEANINGLESS = /(^|\.)__version$/;

/** Every setting in which at least one of the runs differs from the first. */
export function CompareConfigs({ runs, configs }: { runs: Run[]; configs: (Config | undefined)[] }) {
  const { data: catalog } = api.useQuery("get", "/api/config/fields");
  const known = configs.filter((config) => config !== undefined);
  const first = known[0];
  if (!first || known.length < runs.length) return <Loading rows={3} />;
  const paths = new Set(known.flatMap((config) => differingPaths(first, config)));
  const labels = new Map(catalog?.fields.map((field) => [field.path, field.label]));
  const rows = [...paths]
    .filter((path) => !MEANINGLESS.test(path))
    .map((path) => ({
      path,
      label: labelOf(path, labels),
      values: known.map((config) => getAt(config, path)),
    }));
  return (
    <section aria-labelledby="settings" className="grid gap-3">
      <h2 id="settings" className="text-heading">
        {text.compare.settings}
      </h2>
      {rows.length === 0 ? (
        <Empty icon="check" title={text.configuration.same} />
      ) : (
        <DifferenceTable caption={text.configuration.compare} columns={runs.map((run) => run.name)} rows={rows} />
      )}
    </section>
  );
}

/** samples.1.prompt → "Samples 2: Prompt" */
function labelOf(path: string, labels: ReadonlyMap<string, string>): string {
  const own = labels.get(catalogPath(path)) ?? path;
  const [, list = "", index] = path.match(/^([^.]+)\.(\d+)/) ?? [];
  if (index === undefined) return own;
  const entry = `${labels.get(list) ?? list} ${Number(index) + 1}`;
  return path === `${list}.${index}` ? entry : `${entry}: ${own}`;
}
