import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Curve } from "@/features/run/curves";
import { type RunCurves, readCurve } from "@/features/run/useCurves";

/** The curve of a run that says when each step was done, in seconds since 1970. */
const CLOCK = "clock";
const NOTHING: Curve = { steps: [], values: [] };

/** When steps were done: read while somebody looks at curves by time, and carried on by what the stream brings. */
export function useStepTimes(runId: string, { curves, readAt }: RunCurves, isWanted: boolean): Curve {
  const { data } = useQuery({
    queryKey: ["step-times", runId, readAt],
    queryFn: async () => (await readCurve(runId, CLOCK, {})) ?? NOTHING,
    enabled: isWanted && readAt > 0,
    gcTime: 0,
  });
  const { clock } = curves;
  return useMemo(() => (data ? joined(data, clock) : NOTHING), [data, clock]);
}

/** A resumed run goes over its steps again: the times of the way that it left hold no more. */
export function joined(read: Curve, live: Curve): Curve {
  const first = live.steps[0];
  if (first === undefined) return read;
  const kept = read.steps.findIndex((step) => step >= first);
  const end = kept < 0 ? read.steps.length : kept;
  return {
    steps: [...read.steps.slice(0, end), ...live.steps],
    values: [...read.values.slice(0, end), ...live.values],
  };
}

/** Seconds since the first step for ascending `steps`: between two times that are known, as if the pace were even. */
export function toSeconds(steps: readonly number[], times: Curve): number[] {
  const start = times.values[0] ?? 0;
  const secondsAt = (index: number) => (times.values[index] ?? start) - start;
  let at = 0;
  return steps.map((step) => {
    while (at < times.steps.length - 1 && (times.steps[at] ?? 0) < step) at += 1;
    const right = times.steps[at] ?? 0;
    const left = times.steps[at - 1];
    if (left === undefined || step >= right) return secondsAt(at);
    const share = (step - left) / (right - left);
    return secondsAt(at - 1) + share * (secondsAt(at) - secondsAt(at - 1));
  });
}
