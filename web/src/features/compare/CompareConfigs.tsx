import type { Run } from "@/api/client";
import { DifferenceTable } from "@/features/config/DifferenceTable";
import { type Config, differingPaths, getAt } from "@/features/config/paths";
import { t } from "@/i18n";
import { Empty, Loading } from "@/shared/views";

const MEANINGLESS = /(^|\.)__version$/;

/** Every setting in which at least one of the runs differs from the first. */
export function CompareConfigs({ runs, configs }: { runs: Run[]; configs: (Config | undefined)[] }) {
  const known = configs.filter((config) => config !== undefined);
  const first = known[0];
  if (!first || known.length < runs.length) return <Loading rows={3} />;
  const paths = new Set(known.flatMap((config) => differingPaths(first, config)));
  const rows = [...paths]
    .filter((path) => !MEANINGLESS.test(path))
    .map((path) => ({
      path,
      values: known.map((config) => getAt(config, path)),
    }));
  return (
    <section aria-labelledby="settings" className="grid gap-3">
      <h2 id="settings" className="text-heading">
        {t("compare.settings")}
      </h2>
      {rows.length === 0 ? (
        <Empty icon="check" title={t("configuration.same")} />
      ) : (
        <DifferenceTable caption={t("configuration.compare")} columns={runs.map((run) => run.name)} rows={rows} />
      )}
    </section>
  );
}
