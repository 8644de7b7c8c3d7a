import { keepPreviousData } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { api, type Run } from "@/api/client";
import { NewRunMenu } from "@/features/runs/NewRunMenu";
import { RunRow } from "@/features/runs/RunRow";
import { useNewestSamples } from "@/features/runs/useNewestSamples";
import { SavedViews } from "@/features/views/SavedViews";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { TextField } from "@/shared/fields";
import { lazyView } from "@/shared/lazy";
import { PageHeader } from "@/shared/PageHeader";
import { kindOf } from "@/shared/runKinds";
import { Segmented } from "@/shared/Segmented";
import { isActive } from "@/shared/status";
import { useSettled } from "@/shared/useSettled";
import { Empty, QueryView } from "@/shared/views";

const FirstVisit = lazyView(() => import("@/features/runs/FirstVisit"));
const QueuePanel = lazyView(() => import("@/features/queue/QueuePanel"), null);
const UnreadableFolders = lazyView(() => import("@/features/runs/UnreadableFolders"), null);

const PAGE = 50;
/** Characters that the server takes as a search. */
const LONGEST = 200;
const LIVE = ["queued", "starting", "running", "stopping"] as const;
/** The states that each filter shows; none means any. */
const FILTERS = {
  all: [],
  active: LIVE,
  completed: ["completed"],
  ended: ["stopped", "failed", "interrupted"],
} as const;
type Filter = keyof typeof FILTERS;
const NAMES = Object.keys(FILTERS) as Filter[];

const route = getRouteApi("/");

export default function RunsPage() {
  const [limit, setLimit] = useState(PAGE);
  const asked = route.useSearch();
  const search = useSettled(asked.search ?? "").slice(0, LONGEST);
  const filter = filterOf(asked.status);
  const query = api.useQuery(
    "get",
    "/api/runs",
    { params: { query: { kind: "train", search, status: [...FILTERS[filter]], limit } } },
    // The list before stays while the next one comes: without it the field that is being typed into would go.
    { placeholderData: keepPreviousData },
  );
  const isAnything = !asked.search && !search && filter === "all" && !query.isPlaceholderData;
  return (
    <QueryView query={query}>
      {(page) => (
        <>
          {page.total === 0 && isAnything ? (
            <FirstVisit />
          ) : (
            <RunList runs={page.runs} total={page.total} onMore={() => setLimit(limit + PAGE)} />
          )}
          {page.unreadable.length > 0 && <UnreadableFolders folders={page.unreadable} />}
        </>
      )}
    </QueryView>
  );
}

function filterOf(status: string | undefined): Filter {
  return NAMES.find((name) => name === status) ?? "all";
}

function RunList({ runs, total, onMore }: { runs: Run[]; total: number; onMore: () => void }) {
  const { search = "", status } = route.useSearch();
  const navigate = route.useNavigate();
  // While the cursor is in the field it shows what was typed: the address follows when the browser finds the time.
  const [typed, setTyped] = useState<string | null>(null);
  const filter = filterOf(status);
  const newest = useNewestSamples();
  const { data: live } = api.useQuery("get", "/api/runs", { params: { query: { status: [...LIVE], limit: 1000 } } });
  const numActive = (live?.runs ?? runs).filter((run) => kindOf(run).isTraining && isActive(run.status)).length;
  const isNarrowed = search !== "" || filter !== "all";
  return (
    <>
      <PageHeader
        title={t("runs.title")}
        lead={isNarrowed ? t("runs.found", { total }) : t("runs.lead", { total, active: numActive })}
      >
        <NewRunMenu />
      </PageHeader>
      <Queue runs={live?.runs ?? []} />
      <div className="mb-4 flex flex-wrap items-center gap-3">
        <TextField
          label={t("runs.search")}
          isLabelHidden
          placeholder={t("runs.search")}
          value={typed ?? search}
          onChange={(value) => {
            setTyped(value);
            navigate({ search: (old) => ({ ...old, search: value || undefined }), replace: true, resetScroll: false });
          }}
          onBlur={() => setTyped(null)}
          className="w-full sm:w-72"
        />
        <Segmented
          label={t("runs.filter")}
          value={filter}
          options={NAMES.map((value) => ({ value, label: t(`runs.filters.${value}`) }))}
          onChange={(value) =>
            navigate({
              search: (old) => ({ ...old, status: value === "all" ? undefined : value }),
              replace: true,
              resetScroll: false,
            })
          }
        />
        <SavedViews current={{ search, status: filter, run_ids: [] }} />
      </div>
      {runs.length === 0 ? (
        <Empty icon="search" title={t("runs.noMatch")} />
      ) : (
        <ul className="card divide-y divide-line overflow-hidden" aria-label={t("runs.title")}>
          {[...runs.filter((run) => isActive(run.status)), ...runs.filter((run) => !isActive(run.status))].map(
            (run) => (
              <RunRow key={run.id} run={run} thumbnail={newest.get(run.id)} />
            ),
          )}
        </ul>
      )}
      {runs.length < total && (
        <Button className="mt-4" onPress={onMore}>
          {t("common.showMore")}
        </Button>
      )}
    </>
  );
}

/** Most of the time nothing waits; dragging is then not even loaded. */
function Queue({ runs }: { runs: Run[] }) {
  const { data: queue } = api.useQuery("get", "/api/queue");
  if (!queue || (queue.run_ids.length === 0 && !queue.paused)) return null;
  return <QueuePanel queue={queue} runs={runs} />;
}
