import { Link } from "@tanstack/react-router";
import type { Run } from "@/api/client";
import { Failure } from "@/features/run/Failure";
import { RunActions } from "@/features/run/RunActions";
import { useTiming } from "@/features/run/useTiming";
import { RunMenu } from "@/features/runs/RunMenu";
import { t } from "@/i18n";
import { activityText } from "@/shared/activity";
import {
  facts,
  formatCount,
  formatDateTime,
  formatDuration,
  formatEnum,
  formatPace,
  formatPercent,
} from "@/shared/format";
import { ProgressBar } from "@/shared/ProgressBar";
import { isActive, StatusPill } from "@/shared/status";
import { useNow } from "@/shared/useNow";
import { useRun } from "@/shared/useRun";

const TICK_MS = 1000;

export function RunHeader({ run, onDeleted }: { run: Run; onDeleted: () => void }) {
  return (
    <header className="grid gap-4">
      <div className="flex flex-wrap items-start gap-x-4 gap-y-3">
        <div className="min-w-0 grow basis-64">
          <div className="flex items-center gap-3">
            <h1 className="min-w-0 break-words text-title">{run.name}</h1>
            <StatusPill status={run.status} />
          </div>
          <p className="text-dim">
            {facts(
              formatEnum(run.model_type),
              formatEnum(run.training_method),
              run.device.toUpperCase(),
              ...(run.engine === "onetrainer" ? [t("run.byOneTrainer")] : []),
              formatDateTime(run.created),
            )}
          </p>
          {run.parent && <Parent runId={run.parent} />}
        </div>
        <div className="run-actions">
          <RunActions run={run} />
          <RunMenu run={run} onDeleted={onDeleted} />
        </div>
      </div>
      {run.error && <Failure run={run} />}
      <Progress run={run} />
    </header>
  );
}

/** The run whose configuration this one was made from. */
function Parent({ runId }: { runId: string }) {
  const { run, isGone } = useRun(runId);
  if (isGone) return <p className="text-dim">{t("run.madeFromDeleted", { id: runId })}</p>;
  return (
    <p className="min-h-6 text-dim">
      {run && (
        <Link to="/runs/$runId" params={{ runId }} className="text-accent">
          {t("run.madeFrom", { name: run.name })}
        </Link>
      )}
    </p>
  );
}

function Progress({ run }: { run: Run }) {
  const done = run.progress?.global_step ?? 0;
  if (run.status === "queued") return <p className="card p-4 text-dim">{t("run.queued")}</p>;
  const isPlanned = run.max_step > 0;
  const share = isPlanned ? done / run.max_step : 0;
  return (
    <section aria-label={t("run.progress")} className="card grid gap-3 p-4">
      <div className="flex flex-wrap items-baseline gap-x-6 gap-y-1">
        <span className="min-w-24 font-semibold text-figure tracking-tight">{formatPercent(share)}</span>
        <dl className="flex flex-wrap gap-x-6 gap-y-1">
          <Fact label={t("run.step")}>
            {isPlanned
              ? t("run.of", { done: formatCount(done), total: formatCount(run.max_step) })
              : t("common.unknown")}
          </Fact>
          <Fact label={t("run.epoch")}>
            {isPlanned
              ? t("run.of", { done: String(epochOf(run)), total: String(run.max_epoch) })
              : t("common.unknown")}
          </Fact>
          <Pace run={run} />
        </dl>
      </div>
      <ProgressBar label={t("run.progress")} value={done} max={run.max_step} isQuiet={!isActive(run.status)} />
      <p role="status" className="min-h-5 text-dim text-small first-letter:uppercase">
        <Message run={run} />
      </p>
    </section>
  );
}

/** The epoch that is being trained, from 1; the last one when the run is through. */
function epochOf(run: Run): number {
  if (run.status === "completed") return run.max_epoch;
  return Math.min((run.progress?.epoch ?? 0) + 1, run.max_epoch);
}

function Fact({ label, hint, children }: { label: string; hint?: string; children: React.ReactNode }) {
  return (
    <div className="flex items-baseline gap-2" title={hint}>
      <dt className="text-faint text-small">{label}</dt>
      <dd className="font-medium">{children}</dd>
    </div>
  );
}

function Pace({ run }: { run: Run }) {
  const now = useNow(TICK_MS);
  const { remaining } = useTiming(run);
  const { run: earlier } = useRun(run.expected_from);
  const speed = run.steps_per_s ?? null;
  if (!run.started) return null;
  const end = run.ended ? Date.parse(run.ended) : isActive(run.status) ? now : null;
  return (
    <>
      {end !== null && <Fact label={t("run.elapsed")}>{formatDuration((end - Date.parse(run.started)) / 1000)}</Fact>}
      {isActive(run.status) && run.status !== "stopping" && (
        <Fact label={t("run.remaining")} hint={earlier && t("run.reckonedBy", { name: earlier.name })}>
          {remaining ?? t("run.estimating")}
        </Fact>
      )}
      {speed !== null && (
        <Fact label={t("run.speed")}>
          {formatPace(speed)}
          {run.speed_share && <span className="text-dim"> {t("run.ofIdeal", { share: run.speed_share })}</span>}
        </Fact>
      )}
    </>
  );
}

function Message({ run }: { run: Run }) {
  const now = useNow(TICK_MS);
  const { workLeft } = useTiming(run);
  if (run.status === "stopping" && run.stop_deadline) {
    const left = (Date.parse(run.stop_deadline) - now) / 1000;
    return t("run.stoppingUntil", {
      what: activityText(run.activity) ?? t("run.finishing"),
      left: formatDuration(Math.max(0, left)),
    });
  }
  if (isActive(run.status)) {
    const message = activityText(run.activity) ?? t(`status.${run.status}`);
    return workLeft === null || workLeft < 1
      ? message
      : facts(message, t("run.left", { duration: formatDuration(workLeft) }));
  }
  return run.ended
    ? t("run.endedAt", { status: t(`status.${run.status}`), time: formatDateTime(run.ended) })
    : t(`status.${run.status}`);
}
