import type { Run } from "@/api/client";
import { useNow } from "@/shared/useNow";

const TICK_MS = 1000;

/** Seconds until an active run, and what it does now, will be through; null while the server cannot tell. */
export function useTiming(run: Run): { remaining: number | null; workLeft: number | null } {
  const now = useNow(TICK_MS);
  const until = (moment: string | null | undefined) => (moment ? Math.max(0, (Date.parse(moment) - now) / 1000) : null);
  return { remaining: until(run.expected_end), workLeft: until(run.work_end) };
}
