import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { client } from "@/api/client";
import type { components } from "@/api/schema";
import type { Issue } from "@/features/config/catalog";
import type { Config } from "@/features/config/paths";
import { useSettled } from "@/shared/useSettled";

export type Engine = components["schemas"]["Engine"];

export type IssueReport = {
  /** Whether the server has said anything yet. */
  isChecked: boolean;
  all: Issue[];
  byPath: Map<string, Issue[]>;
  paths: Set<string>;
  numErrors: number;
};

const NONE: Issue[] = [];

async function check(config: Config, deep: boolean, engine?: Engine): Promise<Issue[]> {
  const { data, error } = await client.POST("/api/config/validate", {
    body: config,
    params: { query: { deep, engine } },
  });
  if (error !== undefined) throw error;
  return data.issues;
}

/** What the server finds wrong or doubtful, a moment after the last change. */
export function useIssues(config: Config, deep = false, engine?: Engine): IssueReport {
  const settled = useSettled(config);
  const { data } = useQuery({
    queryKey: ["config-issues", settled, deep, engine],
    queryFn: () => check(settled, deep, engine),
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
  return useMemo(() => {
    const found = data ?? NONE;
    // Errors first: they are what keeps a run from starting.
    const isError = (issue: Issue) => issue.severity === "error";
    const all = [...found.filter(isError), ...found.filter((issue) => !isError(issue))];
    const byPath = new Map<string, Issue[]>();
    for (const issue of all) byPath.set(issue.path, [...(byPath.get(issue.path) ?? []), issue]);
    const numErrors = all.filter(isError).length;
    return { isChecked: data !== undefined, all, byPath, paths: new Set(byPath.keys()), numErrors };
  }, [data]);
}
