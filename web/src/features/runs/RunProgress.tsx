import type { Run } from "@/api/client";
import { useTiming } from "@/features/run/useTiming";
import { t } from "@/i18n";
import { activityText } from "@/shared/activity";
import { facts, formatCount, formatDuration, formatPace } from "@/shared/format";
import { ProgressBar } from "@/shared/ProgressBar";
import { isActive } from "@/shared/status";

/** How far a run is, why it ended, or how long it took. */
export function RunProgress({ run }: { run: Run }) {
  const done = run.progress?.global_step ?? 0;
  if (run.error) return <p className="line-clamp-2 text-small text-dim">{run.error}</p>;
  if (isActive(run.status)) return <LiveProgress run={run} done={done} />;
  if (run.status === "queued") return <p className="text-dim text-small">{t("runs.waiting")}</p>;
  if (run.max_step === 0) return null;
  const took = run.started && run.ended ? (Date.parse(run.ended) - Date.parse(run.started)) / 1000 : null;
  return (
    <p className="text-dim text-small">
      {facts(t("run.steps", { done, total: run.max_step }), ...(took === null ? [] : [formatDuration(took)]))}
    </p>
  );
}

function LiveProgress({ run, done }: { run: Run; done: number }) {
  const { remaining } = useTiming(run);
  const pace = run.steps_per_s ? [formatPace(run.steps_per_s)] : [];
  const note = remaining === null ? activityText(run.activity) : facts(t("run.left", { duration: remaining }), ...pace);
  return (
    <div className="grid w-full grid-cols-[minmax(0,1fr)] gap-1">
      <ProgressBar label={t("run.progress")} value={done} max={run.max_step} />
      <p className="flex flex-wrap justify-between gap-x-3 text-dim text-small">
        <span className="whitespace-nowrap">
          {t("run.of", { done: formatCount(done), total: formatCount(run.max_step) })}
        </span>
        <span className="block min-w-0 truncate first-letter:uppercase">{note}</span>
      </p>
    </div>
  );
}
