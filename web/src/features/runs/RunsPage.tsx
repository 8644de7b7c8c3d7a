import { keepPreviousData } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { api, type Run } from "@/api/client";
import { NewRunMenu } from "@/features/runs/NewRunMenu";
import { RunRow } from "@/features/runs/RunRow";
import { useNewestSamples } from "@/features/runs/useNewestSamples";
import { SavedViews } from "@/features/views/SavedViews";
import { Button } from "@/shared/Button";
import { TextField } from "@/shared/fields";
import { PageHeader } from "@/shared/PageHeader";
import { Segmented } from "@/shared/Segmented";
import { isActive, isEnded } from "@/shared/status";
import { Empty, Loading, QueryView } from "@/shared/views";
import { text } from "@/text";

const FirstVisit = lazy(() => import("@/features/runs/FirstVisit"));
const QueuePanel = lazy(() => import("@/features/queue/QueuePanel"));

const PAGE = 50;
/** Among as many runs is searched. */
const MOST = 1000;
const FILTERS = ["all", "active", "completed", "ended"] as const;
type Filter = (typeof FILTERS)[number];

const route = getRouteApi("/");

function matches(run: Run, filter: Filter, search: string): boolean {
  if (filter === "active" && isEnded(run.status)) return false;
  if (filter === "completed" && run.status !== "completed") return false;
  if (filter === "ended" && (!isEnded(run.status) || run.status === "completed")) return false;
  const haystack = `${run.name} ${run.id} ${run.model_type} ${run.training_method}`.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => haystack.includes(word));
}

export function RunsPage() {
  const [wanted, setWanted] = useState(PAGE);
  const { search, status } = route.useSearch();
  const limit = search || status ? MOST : wanted;
  const query = api.useQuery(
    "get",
    "/api/runs",
    { params: { query: { kind: "train", limit } } },
    // The shorter list stays while the longer one comes: without it the field that is being typed into would go.
    { placeholderData: keepPreviousData },
  );
  return (
    <QueryView query={query}>
      {(page) =>
        page.total === 0 ? (
          <Suspense fallback={<Loading />}>
            <FirstVisit />
          </Suspense>
        ) : (
          <RunList runs={page.runs} total={page.total} onMore={() => setWanted(wanted + PAGE)} />
        )
      }
    </QueryView>
  );
}

function RunList({ runs, total, onMore }: { runs: Run[]; total: number; onMore: () => void }) {
  const { search = "", status } = route.useSearch();
  const navigate = route.useNavigate();
  const filter = FILTERS.find((one) => one === status) ?? "all";
  const newest = useNewestSamples();
  const shown = runs.filter((run) => matches(run, filter, search));
  const numActive = runs.filter((run) => isActive(run.status)).length;
  return (
    <>
      <PageHeader title={text.runs.title} lead={text.runs.lead(total, numActive)}>
        <NewRunMenu />
      </PageHeader>
      <Queue runs={runs} />
      <div className="mb-4 flex flex-wrap items-center gap-3">
        <TextField
          label={text.runs.search}
          isLabelHidden
          placeholder={text.runs.search}
          value={search}
          onChange={(value) => navigate({ search: (old) => ({ ...old, search: value || undefined }), replace: true })}
          className="w-full sm:w-72"
        />
        <Segmented
          label={text.runs.filter}
          value={filter}
          options={FILTERS.map((value) => ({ value, label: text.runs.filters[value] }))}
          onChange={(value) =>
            navigate({ search: (old) => ({ ...old, status: value === "all" ? undefined : value }), replace: true })
          }
        />
        <SavedViews current={{ search, status: filter, run_ids: [] }} />
      </div>
      {shown.length === 0 ? (
        <Empty icon="search" title={text.runs.noMatch} />
      ) : (
        <ul className="card divide-y divide-line overflow-hidden" aria-label={text.runs.title}>
          {shown.map((run) => (
            <RunRow key={run.id} run={run} thumbnail={newest.get(run.id)} />
          ))}
        </ul>
      )}
      {runs.length < total && (
        <Button className="mt-4" onPress={onMore}>
          {text.common.showMore}
        </Button>
      )}
    </>
  );
}

/** Most of the time nothing waits; dragging is then not even loaded. */
function Queue({ runs }: { runs: Run[] }) {
  const { data: queue } = api.useQuery("get", "/api/queue");
  if (!queue || (queue.run_ids.length === 0 && !queue.paused)) return null;
  return (
    <Suspense>
      <QueuePanel queue={queue} runs={runs} />
    </Suspense>
  );
}
