/** What a trainer is doing, in the page's words. */
import type { CurrentWork } from "@/api/client";
import { formatCount } from "@/shared/format";
import { text } from "@/text";

export function activityText(work: CurrentWork | null | undefined): string | null {
  if (!work) return null;
  const words = text.doing[work.doing];
  const what = typeof words === "string" ? words : words(work.text);
  if (work.total == null) return what;
  return text.doing.counted(what, formatCount(work.current ?? 0), formatCount(work.total));
}
