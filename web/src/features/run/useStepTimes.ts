import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { client, type Run } from "@/api/client";
import { isActive } from "@/shared/status";

/** Steps, ascending, and the second after the first one at which each was done. */
export type StepTimes = { steps: number[]; seconds: number[]; startMs: number; after: number };

const PAGE = 10_000;
const EVERY_MS = 5000;
const NOTHING: StepTimes = { steps: [], seconds: [], startMs: 0, after: 0 };

async function readOn(runId: string, known: StepTimes): Promise<StepTimes> {
  const next = { ...known, steps: [...known.steps], seconds: [...known.seconds] };
  for (;;) {
    const { data, error } = await client.GET("/api/runs/{run_id}/events", {
      params: { path: { run_id: runId }, query: { after: next.after, types: "step", limit: PAGE } },
    });
    if (error !== undefined) throw error;
    for (const event of data.events) {
      if (event.type !== "step") continue;
      const time = Date.parse(event.time ?? "");
      next.startMs ||= time;
      // A resumed run goes over its steps again: the times of the way that it left hold no more.
      while ((next.steps.at(-1) ?? -1) >= event.progress.global_step) {
        next.steps.pop();
        next.seconds.pop();
      }
      next.steps.push(event.progress.global_step);
      next.seconds.push((time - next.startMs) / 1000);
    }
    next.after = data.next_after;
    if (data.events.length < PAGE) return next;
  }
}

/** When each step was done, from the journal; read while somebody looks at curves by time, on and on while it trains. */
export function useStepTimes(run: Run, isWanted: boolean): StepTimes {
  const queries = useQueryClient();
  const key = ["step-times", run.id];
  const { data } = useQuery({
    queryKey: key,
    queryFn: () => readOn(run.id, queries.getQueryData<StepTimes>(key) ?? NOTHING),
    enabled: isWanted,
    refetchInterval: isActive(run.status) && EVERY_MS,
    placeholderData: keepPreviousData,
  });
  return data ?? NOTHING;
}

/** Seconds for `steps`; one that is not known yet stands at the last one known. */
export function toTimes(steps: readonly number[], times: StepTimes): number[] {
  let at = 0;
  return steps.map((step) => {
    while (at < times.steps.length - 1 && (times.steps[at] ?? 0) < step) at += 1;
    return times.seconds[at] ?? 0;
  });
}
