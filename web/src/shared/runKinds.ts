import type { Run } from "@/api/client";
import { RUN_TABS, type RunTab } from "@/runTabs";

type KindFacts = {
  /** Its views, the first one first. */
  tabs: readonly [RunTab, ...RunTab[]];
  /** Whether it makes a model: it can be saved and backed up, and one wants to hear when it has ended. */
  isTraining: boolean;
};

/** What the page has to know of each kind of run; nothing else asks for a kind by its name. */
const KINDS: Record<Run["kind"], KindFacts> = {
  train: { tabs: RUN_TABS, isTraining: true },
  sample: { tabs: ["samples", "console", "configuration"], isTraining: false },
};

export function kindOf(run: Run): KindFacts {
  return KINDS[run.kind];
}
