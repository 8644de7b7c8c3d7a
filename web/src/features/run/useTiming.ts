import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { client, type Run } from "@/api/client";
import { isActive } from "@/shared/status";

type Pace = { remaining: number | null; speed: number | null };
type Mark = { step: number; time: number };

const NOTHING: Pace = { remaining: null, speed: null };
const FEWEST_STEPS = 3;

/** The first step of the last start: what lies before (loading, encoding) is no measure of what is to come. */
async function readFirstStep(runId: string): Promise<Mark | null> {
  const read = (after: number, types: string, limit: number) =>
    client.GET("/api/runs/{run_id}/events", { params: { path: { run_id: runId }, query: { after, types, limit } } });
  const planned = (await read(0, "planned", 1000)).data?.events.at(-1);
  if (!planned) return null;
  const first = (await read(planned.seq, "step", 1)).data?.events[0];
  return first?.type === "step" ? { step: first.progress.global_step, time: Date.parse(first.time ?? "") } : null;
}

/**
 * How long an active run will still take: the pace since its first step, with the time that samples, backups and
 * validation took in it. Reading the journal makes the answer the same after a reload.
 */
export function useTiming(run: Run): Pace {
  const isLive = isActive(run.status);
  const done = run.progress?.global_step ?? 0;
  const { data: first } = useQuery({
    queryKey: ["first-step", run.id, run.started, done > 0],
    queryFn: () => readFirstStep(run.id),
    enabled: isLive && done > 0,
  });
  const [pace, setPace] = useState<Pace>(NOTHING);
  useEffect(() => {
    if (!isLive || !first || done - first.step < FEWEST_STEPS) return setPace(NOTHING);
    const perStep = (Date.now() - first.time) / 1000 / (done - first.step);
    setPace({ remaining: perStep * Math.max(0, run.max_step - done), speed: 1 / perStep });
  }, [isLive, first, done, run.max_step]);
  return pace;
}
