import { Link } from "@tanstack/react-router";
import { api } from "@/api/client";
import { formatPercent } from "@/shared/format";
import { ProgressBar } from "@/shared/ProgressBar";
import { text } from "@/text";

/** The active training, visible from everywhere; one press leads to it. */
export function NowTraining() {
  const { data: state } = api.useQuery("get", "/api/training/status");
  if (!state?.is_training || !state.run_id) return null;
  const done = state.progress?.global_step ?? 0;
  return (
    <Link
      to="/runs/$runId"
      params={{ runId: state.run_id }}
      className="card grid w-full gap-2 p-3 hover:border-strong max-lg:p-2"
    >
      <span className="flex items-baseline justify-between gap-2">
        <span className="wide-only truncate font-medium text-small">{text.status[state.status]}</span>
        <span className="font-medium text-small">{formatPercent(state.max_step ? done / state.max_step : 0)}</span>
      </span>
      <ProgressBar label={text.run.progress} value={done} max={state.max_step} />
      <span className="wide-only truncate text-dim text-tiny">
        {state.message ?? text.run.steps(done, state.max_step)}
      </span>
    </Link>
  );
}
