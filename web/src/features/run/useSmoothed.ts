import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Run } from "@/api/client";
import { type Curve, carryOn } from "@/features/run/curves";
import { type RunCurves, readCurve } from "@/features/run/useCurves";

const NOTHING_YET: Curve = { steps: [], values: [] };

/**
 * One metric smoothed by `weight`; nothing for weight 0. The server averages over all points: those that it sends of a
 * long run are the extremes, whose average means nothing.
 */
export function useSmoothed(run: Run, { curves, readAt }: RunCurves, name: string, weight: number) {
  const { data } = useQuery({
    queryKey: ["smoothed", run.id, run.status, name, weight, readAt],
    queryFn: async () => (await readCurve(run.id, name, { smoothing: weight })) ?? NOTHING_YET,
    enabled: weight > 0 && readAt > 0,
    gcTime: 0,
  });
  const raw = curves.byName.get(name);
  return useMemo(() => (data && raw && weight > 0 ? carryOn(data, raw, weight) : undefined), [data, raw, weight]);
}
