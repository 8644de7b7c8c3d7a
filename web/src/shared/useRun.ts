import { api, type Run } from "@/api/client";

/** Another run that is referred to; it may have been deleted. */
export function useRun(runId: string | null | undefined): { run: Run | undefined; isGone: boolean } {
  const path = { params: { path: { run_id: runId ?? "" } } };
  const { data, error } = api.useQuery("get", "/api/runs/{run_id}", path, { enabled: Boolean(runId) });
  return { run: data, isGone: error !== null && !(error instanceof TypeError) };
}
