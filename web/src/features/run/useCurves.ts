import { useCallback, useEffect, useRef, useState } from "react";
import { api, client } from "@/api/client";
import { useLive } from "@/api/live";
import { type Curve, Curves, type LivePoint } from "@/features/run/curves";

export const MAX_POINTS = 4000;

export type RunCurves = {
  curves: Curves;
  /** When they were read from the server; 0 before. */
  readAt: number;
  isPending: boolean;
  error: unknown;
};

/** One metric of a run, whatever the server makes of all its points; undefined where it has none. */
export async function readCurve(
  runId: string,
  name: string,
  made: { smoothing?: number; per_epoch?: true },
): Promise<Curve | undefined> {
  const query = { names: name, max_points: MAX_POINTS, ...made };
  const answer = await client.GET("/api/runs/{run_id}/metrics", { params: { path: { run_id: runId }, query } });
  if (answer.error !== undefined) throw answer.error;
  return Curves.from(answer.data.metrics).byName.get(name);
}

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
      if (message.type === "metrics" && message.data.run_id === runId) take(message.data.points);
    },
    () => void refetch(),
  );
  return { curves, readAt: query.dataUpdatedAt, isPending: query.isPending, error: query.error };
}
