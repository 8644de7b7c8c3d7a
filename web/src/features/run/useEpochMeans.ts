import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { Run } from "@/api/client";
import type { Curve } from "@/features/run/curves";
import { readCurve } from "@/features/run/useCurves";

/** The mean of one metric in each whole epoch; read again when another epoch is through. */
export function useEpochMeans(run: Run, name: string, isWanted: boolean): Curve | undefined {
  const { data } = useQuery({
    queryKey: ["epoch-means", run.id, run.status, run.progress?.epoch, name],
    queryFn: async () => (await readCurve(run.id, name, { per_epoch: true })) ?? null,
    enabled: isWanted,
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
  return isWanted ? (data ?? undefined) : undefined;
}
