import { Link } from "@tanstack/react-router";
import { type Run, type Sample, sampleImage } from "@/api/client";
import { useTiming } from "@/features/run/useTiming";
import { RunMenu } from "@/features/runs/RunMenu";
import { t } from "@/i18n";
import { activityText } from "@/shared/activity";
import { facts, formatAgo, formatCount, formatDateTime, formatDuration, formatEnum, formatPace } from "@/shared/format";
import { Icon } from "@/shared/icons";
import { ProgressBar } from "@/shared/ProgressBar";
import { isActive, StatusPill } from "@/shared/status";
import { Thumbnail as Picture } from "@/shared/Thumbnail";
import { useNow } from "@/shared/useNow";

const AGO_EVERY_MS = 30_000;

export function RunRow({ run, thumbnail }: { run: Run; thumbnail: Sample | undefined }) {
  const now = useNow(AGO_EVERY_MS);
  return (
    <li className="run-row">
      <Thumbnail sample={thumbnail} />
      <div className="min-w-0">
        <Link
          to="/runs/$runId"
          params={{ runId: run.id }}
          className="line-clamp-2 font-medium text-lead after:absolute after:inset-0"
        >
          {run.name}
        </Link>
        <p className="truncate text-dim text-small">
          {facts(formatEnum(run.model_type), formatEnum(run.training_method))}
        </p>
      </div>
      <div className="run-row-progress">
        <Progress run={run} />
      </div>
      <div className="run-row-status">
        <StatusPill status={run.status} />
      </div>
      <time dateTime={run.created} title={formatDateTime(run.created)} className="run-row-time">
        {formatAgo(run.created, now)}
      </time>
      <div className="relative z-10">
        <RunMenu run={run} />
      </div>
    </li>
  );
}

function Thumbnail({ sample }: { sample: Sample | undefined }) {
  return (
    <div className="grid size-14 flex-none place-items-center overflow-hidden rounded-control bg-sunken text-faint">
      {sample ? <Picture src={sampleImage(sample.id, 256)} /> : <Icon name="pictures" />}
    </div>
  );
}

function Progress({ run }: { run: Run }) {
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
    <div className="grid grid-cols-[minmax(0,1fr)] gap-1">
      <ProgressBar label={t("run.progress")} value={done} max={run.max_step} />
      <p className="flex justify-between gap-3 text-dim text-small">
        <span className="whitespace-nowrap">
          {t("run.of", { done: formatCount(done), total: formatCount(run.max_step) })}
        </span>
        <span className="block min-w-0 truncate first-letter:uppercase">{note}</span>
      </p>
    </div>
  );
}
