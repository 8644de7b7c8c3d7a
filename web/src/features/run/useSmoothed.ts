import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { client, type Run } from "@/api/client";
import { type Curve, Curves, carryOn } from "@/features/run/curves";
import { MAX_POINTS, type RunCurves } from "@/features/run/useCurves";

const NOTHING_YET: Curve = { steps: [], values: [] };

/**
 * One metric smoothed by `weight`; nothing for weight 0. The server averages over all points: those that it sends of a
 * long run are the extremes, whose average means nothing.
 */
export function useSmoothed(run: Run, { curves, readAt }: RunCurves, name: string, weight: number) {
  const { data } = useQuery({
    queryKey: ["smoothed", run.id, run.status, name, weight, readAt],
    queryFn: async () => {
      const query = { names: name, max_points: MAX_POINTS, smoothing: weight };
      const answer = await client.GET("/api/runs/{run_id}/metrics", { params: { path: { run_id: run.id }, query } });
      if (answer.error !== undefined) throw answer.error;
      return Curves.from(answer.data.metrics).byName.get(name) ?? NOTHING_YET;
    },
    enabled: weight > 0 && readAt > 0,
    gcTime: 0,
  });
  const raw = curves.byName.get(name);
  return useMemo(() => (data && raw && weight > 0 ? carryOn(data, raw, weight) : undefined), [data, raw, weight]);
}
