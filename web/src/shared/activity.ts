/** What a trainer is doing, in the page's words. */
import type { CurrentWork } from "@/api/client";
import { t } from "@/i18n";
import { formatCount } from "@/shared/format";

export function activityText(work: CurrentWork | null | undefined): string | null {
  if (!work) return null;
  const what = t(`doing.${work.doing}`, { text: work.text });
  if (work.total == null) return what;
  return t("doing.counted", { what, current: formatCount(work.current ?? 0), total: formatCount(work.total) });
}
