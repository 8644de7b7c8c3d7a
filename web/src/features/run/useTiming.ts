import type { Run } from "@/api/client";
import { t } from "@/i18n";
import { formatDuration } from "@/shared/format";
import { useNow } from "@/shared/useNow";

const TICK_MS = 1000;

type Timing = { remaining: string | null; workLeft: number | null };

/** How long until an active run, and in seconds until what it does now, will be through; null while unknown. */
export function useTiming(run: Run): Timing {
  const now = useNow(TICK_MS);
  const until = (moment: string | null | undefined) => (moment ? Math.max(0, (Date.parse(moment) - now) / 1000) : null);
  const seconds = until(run.expected_end);
  const duration = seconds === null ? null : formatDuration(seconds);
  const remaining = duration !== null && run.expected_from ? t("run.about", { duration }) : duration;
  return { remaining, workLeft: until(run.work_end) };
}
