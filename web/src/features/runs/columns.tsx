/** What the table of runs can show of each. */
import type { Run } from "@/api/client";
import type { paths } from "@/api/schema";
import type { Key } from "@/i18n";
import { formatDuration, formatPace, formatValue } from "@/shared/format";
import { Store } from "@/shared/store";

export type SortKey = NonNullable<NonNullable<paths["/api/runs"]["get"]["parameters"]["query"]>["sort"]>;

export type Label = Extract<Key, "runs.name" | `runs.columns.${string}`>;

type Column = {
  id: string;
  label: Label;
  /** What the server orders by; without it the column orders nothing. */
  sort?: SortKey;
  show: (run: Run) => string;
};

const number = (value: number | null | undefined) => (value == null ? "" : formatValue(value));

/** In the order in which they stand. */
export const COLUMNS: Column[] = [
  { id: "loss", label: "runs.columns.loss", sort: "loss", show: (run) => number(run.loss) },
  {
    id: "validation",
    label: "runs.columns.validation",
    sort: "validation_loss",
    show: (run) => number(run.validation_loss),
  },
  { id: "rate", label: "runs.columns.rate", sort: "learning_rate", show: (run) => number(run.learning_rate) },
  { id: "rank", label: "runs.columns.rank", sort: "lora_rank", show: (run) => run.lora_rank?.toString() ?? "" },
  { id: "resolution", label: "runs.columns.resolution", show: (run) => run.resolution },
  { id: "batch", label: "runs.columns.batch", show: (run) => run.batch_size },
  { id: "steps", label: "runs.columns.steps", sort: "steps", show: (run) => number(run.progress?.global_step) },
  { id: "duration", label: "runs.columns.duration", sort: "duration", show: (run) => durationOf(run) },
  { id: "pace", label: "runs.columns.pace", show: (run) => (run.steps_per_s ? formatPace(run.steps_per_s) : "") },
  { id: "device", label: "runs.columns.device", show: (run) => run.device },
  { id: "note", label: "runs.columns.note", show: (run) => run.note ?? "" },
];

const USUAL = ["loss", "rate", "rank", "duration"];
const STORED = "run-columns";

function stored(): string[] {
  try {
    return localStorage.getItem(STORED)?.split(",") ?? USUAL;
  } catch {
    return USUAL; // Storage may be forbidden.
  }
}

/** The ids of the columns that somebody wants to see in this browser. */
export const chosenColumns = new Store<readonly string[]>(stored());

export function toggleColumn(id: string): void {
  const before = chosenColumns.get();
  const next = before.includes(id) ? before.filter((one) => one !== id) : [...before, id];
  chosenColumns.set(next);
  localStorage.setItem(STORED, next.join(","));
}

function durationOf(run: Run): string {
  return run.started && run.ended ? formatDuration((Date.parse(run.ended) - Date.parse(run.started)) / 1000) : "";
}
