import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { client, type Run } from "@/api/client";
import { type Curve, Curves } from "@/features/run/curves";
import { MAX_POINTS } from "@/features/run/useCurves";

/** The mean of one metric in each whole epoch; read again when another epoch is through. */
export function useEpochMeans(run: Run, name: string, isWanted: boolean): Curve | undefined {
  const { data } = useQuery({
    queryKey: ["epoch-means", run.id, run.status, run.progress?.epoch, name],
    queryFn: async () => {
      const query = { names: name, max_points: MAX_POINTS, per_epoch: true };
      const answer = await client.GET("/api/runs/{run_id}/metrics", { params: { path: { run_id: run.id }, query } });
      if (answer.error !== undefined) throw answer.error;
      return Curves.from(answer.data.metrics).byName.get(name) ?? null;
    },
    enabled: isWanted,
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
  return isWanted ? (data ?? undefined) : undefined;
}
