/** What the address asks of the list of runs, and what the server is asked for it. */
import type { SortKey } from "@/features/runs/columns";
import { GROUPINGS, type Grouping } from "@/features/runs/groups";
import type { RunStatus } from "@/shared/status";

/** Characters that the server takes as a search. */
export const LONGEST_SEARCH = 200;

type Status = Exclude<RunStatus, "idle">;
const ACTIVE: Status[] = ["starting", "running", "stopping"];
export const LIVE: Status[] = ["queued", ...ACTIVE];
const ENDED_EARLY: Status[] = ["stopped", "failed", "interrupted"];

/** The states that each filter shows. */
const FILTERS = {
  all: [...ACTIVE, "completed", ...ENDED_EARLY],
  active: LIVE,
  completed: ["completed"],
  ended: ENDED_EARLY,
} as const satisfies Record<string, readonly Status[]>;

export type Filter = keyof typeof FILTERS;
export const FILTER_NAMES = Object.keys(FILTERS) as Filter[];

export function filterOf(status: string | undefined): Filter {
  return FILTER_NAMES.find((name) => name === status) ?? "all";
}

/** Waiting runs stand in the queue above the list, in their order; among all, only a search finds them. */
export function shownStates(filter: Filter, search: string): Status[] {
  return filter === "all" && search ? [] : [...FILTERS[filter]];
}

export type AskedRuns = { search?: string; status?: string; sort?: SortKey; ascending?: boolean; group?: Grouping };

const SORTS: SortKey[] = [
  "created",
  "name",
  "loss",
  "validation_loss",
  "learning_rate",
  "lora_rank",
  "steps",
  "duration",
];

/** What an address may ask; whatever else stands in it is passed over. */
export function askedRuns(search: Record<string, unknown>): AskedRuns {
  const text = (value: unknown) => (typeof value === "string" && value ? value : undefined);
  return {
    search: text(search.search),
    status: text(search.status),
    sort: SORTS.find((sort) => sort === search.sort),
    ascending: search.ascending === true || undefined,
    group: GROUPINGS.find((group) => group === search.group && group !== "none"),
  };
}

export function orderOf({ sort = "created", ascending = false }: AskedRuns): { sort: SortKey; ascending: boolean } {
  return { sort, ascending };
}
