/** Runs under headings, by something that they have in common. */
import type { Run } from "@/api/client";
import { t } from "@/i18n";
import { formatEnum } from "@/shared/format";
import { isActive } from "@/shared/status";

export const GROUPINGS = ["none", "model", "method", "tag", "status"] as const;
export type Grouping = (typeof GROUPINGS)[number];

export type RunGroup = { title: string; runs: Run[] };

/** One group without a title where nothing divides them; a run of several tags stands under each. */
export function groupRuns(runs: readonly Run[], by: Grouping): RunGroup[] {
  if (by === "none") {
    // What goes on is what one came for.
    return [{ title: "", runs: [...runs.filter(goesOn), ...runs.filter((run) => !goesOn(run))] }];
  }
  const groups = new Map<string, Run[]>();
  for (const run of runs) for (const title of titlesOf(run, by)) groups.set(title, [...(groups.get(title) ?? []), run]);
  return [...groups].map(([title, members]) => ({ title, runs: members }));
}

function goesOn(run: Run): boolean {
  return isActive(run.status);
}

function titlesOf(run: Run, by: Exclude<Grouping, "none">): string[] {
  switch (by) {
    case "model":
      return [formatEnum(run.model_type)];
    case "method":
      return [formatEnum(run.training_method)];
    case "status":
      return [t(`status.${run.status}`)];
    case "tag":
      return run.tags?.length ? run.tags : [t("runs.untagged")];
  }
}
