import { api, type Run } from "@/api/client";
import type { components } from "@/api/schema";

export type Output = components["schemas"]["OutputView"];

/** The whole backups that a run wrote, newest first; undefined until they are known. */
export function useBackups(run: Run): Output[] | undefined {
  const path = { run_id: run.id };
  const found = api.useQuery("get", "/api/runs/{run_id}/backups", { params: { path } }, { refetchOnMount: "always" });
  return found.data?.outputs.filter((backup) => !backup.damage);
}
