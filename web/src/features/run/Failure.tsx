import { Link } from "@tanstack/react-router";
import { api, type Run } from "@/api/client";
import { useBackups } from "@/features/run/useBackups";
import { t } from "@/i18n";
import { formatCount } from "@/shared/format";
import { Icon } from "@/shared/icons";

const TAIL_BYTES = 4096;
const TAIL_LINES = 14;

/** Why a run ended badly: one sentence, the log's last lines, what to do. */
export function Failure({ run }: { run: Run }) {
  const { data: log } = api.useQuery("get", "/api/runs/{run_id}/log", {
    params: { path: { run_id: run.id }, query: { offset: -TAIL_BYTES, limit: TAIL_BYTES } },
  });
  const lines = log?.text
    .replaceAll(/[^\n]*\r(?!\n)/g, "")
    .trimEnd()
    .split("\n")
    .slice(-TAIL_LINES)
    .join("\n");
  const isInterrupted = run.status === "interrupted";
  return (
    <section role="alert" className={`grid gap-3 rounded-card p-4 ${isInterrupted ? "bg-warn-soft" : "bg-bad-soft"}`}>
      <div className="flex items-start gap-3">
        <Icon
          name={isInterrupted ? "warning" : "error"}
          className={`mt-0.5 ${isInterrupted ? "text-warn" : "text-bad"}`}
        />
        <div className="grid min-w-0 gap-1">
          <p className="break-words font-medium">{run.error}</p>
          <p className="text-dim">
            <WhatToDo run={run} />
          </p>
        </div>
      </div>
      {lines && (
        <details onToggle={(event) => showEnd(event.currentTarget)}>
          <summary className="cursor-pointer text-small">{t("failure.lastLines")}</summary>
          <pre className="code mt-2 max-h-72 overflow-auto">{lines}</pre>
          <Link to="." search={{ tab: "console" }} className="mt-2 inline-block text-accent text-small">
            {t("failure.wholeLog")}
          </Link>
        </details>
      )}
    </section>
  );
}

function WhatToDo({ run }: { run: Run }) {
  const backups = useBackups(run);
  if (!backups) return null;
  const at = backups[0]?.progress.global_step;
  const step = at === undefined ? null : formatCount(at);
  if (run.status !== "interrupted")
    return step === null ? t("failure.failedWithoutBackup") : t("failure.failed", { step });
  const lost = Math.max(0, (run.progress?.global_step ?? 0) - (at ?? 0));
  return step === null
    ? t("failure.interruptedWithoutBackup")
    : t("failure.interrupted", { step, lost: t("run.stepCount", { count: lost }) });
}

/** What went wrong stands at the end. */
function showEnd(details: HTMLDetailsElement): void {
  const lines = details.querySelector("pre");
  if (lines) lines.scrollTop = lines.scrollHeight;
}
