import { useQueries, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { client, type Run } from "@/api/client";
import { Curves } from "@/features/run/curves";
import { t } from "@/i18n";
import { Chart } from "@/shared/Chart";
import type { SeriesColor } from "@/shared/chartData";
import { Switch } from "@/shared/fields";
import { metricName } from "@/shared/metricName";
import { SelectField } from "@/shared/SelectField";
import { Loading } from "@/shared/views";

const PREFERRED = "smooth_loss/train_step";
const CURVES = "compare-curves";
const POINTS = 1500;

async function readCurves(runId: string): Promise<Curves> {
  const { data, error } = await client.GET("/api/runs/{run_id}/metrics", {
    params: { path: { run_id: runId }, query: { max_points: POINTS } },
  });
  if (error !== undefined) throw error;
  return Curves.from(data.metrics);
}

/** Curves that are looked at grow with each hundredth of a run. */
function useReadAgain(runs: Run[]): void {
  const known = useQueryClient();
  const reached = runs.map((run) => `${run.status} ${hundredth(run)}`).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: how far the runs are is the reason to read again.
  useEffect(() => void known.invalidateQueries({ queryKey: [CURVES] }), [known, reached]);
}

function hundredth(run: Run): number {
  return Math.floor((100 * (run.progress?.global_step ?? 0)) / Math.max(1, run.max_step));
}

/** One metric of all runs in one chart. */
export function CompareCurves({ runs }: { runs: Run[] }) {
  const queries = useQueries({
    queries: runs.map((run) => ({
      queryKey: [CURVES, run.id],
      queryFn: () => readCurves(run.id),
    })),
  });
  useReadAgain(runs);
  const [chosen, setChosen] = useState(PREFERRED);
  const [isLog, setIsLog] = useState(false);
  if (queries.some((query) => query.isPending)) return <Loading rows={3} />;
  const names = [...new Set(queries.flatMap((query) => [...(query.data?.byName.keys() ?? [])]))].sort();
  const name = names.includes(chosen) ? chosen : names[0];
  if (name === undefined) return null;
  const series = runs.flatMap((run, index) => {
    const curve = queries[index]?.data?.byName.get(name);
    const color = `curve-${index + 1}` as SeriesColor;
    return curve
      ? [
          {
            label: run.name,
            color,
            x: curve.steps,
            y: curve.values,
          },
        ]
      : [];
  });
  return (
    <section aria-label={t("compare.curves")} className="card grid gap-3 p-4">
      <div className="flex flex-wrap items-center gap-4">
        <h2 className="grow text-heading">{t("compare.curves")}</h2>
        <SelectField
          label={t("metrics.metric")}
          isLabelHidden
          className="w-72 max-w-full"
          value={name}
          options={names.map((value) => ({ value, label: metricName(value) }))}
          onChange={setChosen}
        />
        <Switch label={t("metrics.log")} isSelected={isLog} onChange={setIsLog} />
      </div>
      <Chart label={metricName(name)} series={series} xUnit="step" isLog={isLog} height={320} />
    </section>
  );
}
