import { api, type Sample } from "@/api/client";

/** More than a run of ordinary length draws; the gallery pages through the rest. */
const LIMIT = 1000;
const NONE: Sample[] = [];

export function useRunSamples(runId: string): { samples: Sample[]; total: number; isPending: boolean } {
  const { data, isPending } = api.useQuery("get", "/api/samples/list", {
    params: { query: { run_id: runId, order: "newest", limit: LIMIT } },
  });
  return { samples: data?.samples ?? NONE, total: data?.total ?? 0, isPending };
}
