import { Link } from "@tanstack/react-router";
import { t } from "@/i18n";
import { useNowTraining } from "@/layout/useNowTraining";
import { ProgressBar } from "@/shared/ProgressBar";

/** The active training, visible from everywhere; one press leads to it. */
export function NowTraining() {
  const training = useNowTraining();
  if (!training) return null;
  const { runId, name, done, total, percent, message } = training;
  return (
    <Link
      to="/runs/$runId"
      params={{ runId }}
      className="card grid w-full grid-cols-[minmax(0,1fr)] gap-2 p-3 hover:border-strong max-lg:p-2"
    >
      <span className="flex items-baseline justify-between gap-2">
        <span className="wide-only truncate font-medium text-small">{name}</span>
        <span className="whitespace-nowrap font-medium text-small">{percent}</span>
      </span>
      <ProgressBar label={t("run.progress")} value={done} max={total} />
      <span className="wide-only truncate text-dim text-tiny first-letter:uppercase">
        {message || t("run.steps", { done, total })}
      </span>
    </Link>
  );
}
