import { useCallback, useEffect, useRef, useState } from "react";
import { api } from "@/api/client";
import { useLive } from "@/api/live";
import { Curves, type LivePoint } from "@/features/run/curves";

export const MAX_POINTS = 4000;

export type RunCurves = {
  curves: Curves;
  /** When they were read from the server; 0 before. */
  readAt: number;
  isPending: boolean;
  error: unknown;
};

/** All curves of a run, drawn again with every point the stream brings. */
export function useCurves(runId: string): RunCurves {
  const query = api.useQuery("get", "/api/runs/{run_id}/metrics", {
    params: { path: { run_id: runId }, query: { max_points: MAX_POINTS } },
  });
  const [curves, setCurves] = useState(() => new Curves());
  const held = useRef<LivePoint[]>([]);
  const { data, refetch } = query;

  useEffect(() => {
    if (!data) return;
    const read = Curves.from(data.metrics);
    read.add(held.current);
    held.current = [];
    setCurves(read);
  }, [data]);

  const take = useCallback(
    (points: readonly LivePoint[]) => {
      if (!data) held.current.push(...points);
      else setCurves((known) => known.with(points));
    },
    [data],
  );
  useLive(
    ["metrics"],
    (message) => {
      if (message.type !== "metrics") return;
      const batch = message.data as { run_id: string; points: LivePoint[] };
      if (batch.run_id === runId) take(batch.points);
    },
    () => void refetch(),
  );
  return { curves, readAt: query.dataUpdatedAt, isPending: query.isPending, error: query.error };
}
