import { api } from "@/api/client";
import { activityText } from "@/shared/activity";
import { formatPercent } from "@/shared/format";

export type Training = { runId: string; name: string; done: number; total: number; percent: string; message: string };

/** The active training, or null when nothing trains. */
export function useNowTraining(): Training | null {
  const { data: state } = api.useQuery("get", "/api/training/status");
  const runId = state?.is_training ? state.run_id : null;
  const { data: run } = api.useQuery(
    "get",
    "/api/runs/{run_id}",
    { params: { path: { run_id: runId ?? "" } } },
    { enabled: Boolean(runId) },
  );
  if (!state || !runId) return null;
  const [done, total] = [state.progress?.global_step ?? 0, state.max_step];
  return {
    runId,
    name: run?.name ?? "",
    done,
    total,
    percent: formatPercent(total ? done / total : 0),
    message: activityText(state.activity) ?? "",
  };
}
