import { keepPreviousData } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { api, type Queue, type Run } from "@/api/client";
import { filterOf, LIVE, LONGEST_SEARCH, orderOf, shownStates } from "@/features/runs/asked";
import { groupRuns } from "@/features/runs/groups";
import { NewRunMenu } from "@/features/runs/NewRunMenu";
import { RunCards } from "@/features/runs/RunCards";
import { RunsToolbar } from "@/features/runs/RunsToolbar";
import { RunTable } from "@/features/runs/RunTable";
import { SelectionBar } from "@/features/runs/SelectionBar";
import { useNewestSamples } from "@/features/runs/useNewestSamples";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { lazyView } from "@/shared/lazy";
import { PageHeader } from "@/shared/PageHeader";
import { kindOf } from "@/shared/runKinds";
import { isActive } from "@/shared/status";
import { useIsWide } from "@/shared/useIsWide";
import { useSettled } from "@/shared/useSettled";
import { Empty, Loading, QueryView } from "@/shared/views";

const FirstVisit = lazyView(() => import("@/features/runs/FirstVisit"));
const QueuePanel = lazyView(() => import("@/features/queue/QueuePanel"), null);
const UnreadableFolders = lazyView(() => import("@/features/runs/UnreadableFolders"), null);

const PAGE = 50;

const route = getRouteApi("/");

export default function RunsPage() {
  const [limit, setLimit] = useState(PAGE);
  const asked = route.useSearch();
  const search = useSettled(asked.search ?? "").slice(0, LONGEST_SEARCH);
  const filter = filterOf(asked.status);
  const query = api.useQuery(
    "get",
    "/api/runs",
    { params: { query: { kind: "train", search, status: shownStates(filter, search), ...orderOf(asked), limit } } },
    // The list before stays while the next one comes: without it the field that is being typed into would go.
    { placeholderData: keepPreviousData },
  );
  const { data: queue } = api.useQuery("get", "/api/queue");
  const { data: live } = api.useQuery("get", "/api/runs", { params: { query: { status: [...LIVE], limit: 1000 } } });
  const isAnything = !asked.search && !search && filter === "all" && !query.isPlaceholderData;
  // All at once: what comes later would push away what somebody is about to press.
  if (!query.error && (!queue || !live)) return <Loading />;
  return (
    <QueryView query={query}>
      {(page) => (
        <>
          {page.total === 0 && isAnything && !queue?.run_ids.length ? (
            <FirstVisit />
          ) : (
            <RunList
              runs={page.runs}
              total={page.total}
              live={live?.runs ?? []}
              queue={queue}
              onMore={() => setLimit(limit + PAGE)}
            />
          )}
          {page.unreadable.length > 0 && <UnreadableFolders folders={page.unreadable} />}
        </>
      )}
    </QueryView>
  );
}

type ListProps = { runs: Run[]; total: number; live: Run[]; queue: Queue | undefined; onMore: () => void };

function RunList({ runs, total, live, queue, onMore }: ListProps) {
  const asked = route.useSearch();
  const navigate = route.useNavigate();
  const isWide = useIsWide();
  const newest = useNewestSamples();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const numActive = live.filter((run) => kindOf(run).isTraining && isActive(run.status)).length;
  const isNarrowed = Boolean(asked.search) || filterOf(asked.status) !== "all";
  const order = orderOf(asked);
  const shown = {
    groups: groupRuns(runs, asked.group ?? "none"),
    newest,
    selected,
    onSelect: (ids: string[], isSelected: boolean) =>
      setSelected((known) => new Set(isSelected ? [...known, ...ids] : [...known].filter((id) => !ids.includes(id)))),
  };
  return (
    <>
      <PageHeader
        title={t("runs.title")}
        lead={isNarrowed ? t("runs.found", { total }) : t("runs.lead", { total, active: numActive })}
        corner={<NewRunMenu queue={queue} />}
      />
      {queue && (queue.run_ids.length > 0 || queue.paused) && (
        <div className="queue-room" style={{ "--waiting": queue.run_ids.length } as React.CSSProperties}>
          <QueuePanel queue={queue} runs={live} />
        </div>
      )}
      <RunsToolbar />
      {runs.length === 0 ? (
        <Empty icon="search" title={isNarrowed ? t("runs.noMatch") : t("runs.allWait")} />
      ) : isWide ? (
        <RunTable
          {...shown}
          order={order}
          onOrder={(sort) =>
            navigate({
              // First the largest, of names the first.
              search: (old) => ({ ...old, sort, ascending: order.sort === sort ? !order.ascending : sort === "name" }),
              replace: true,
              resetScroll: false,
            })
          }
        />
      ) : (
        <RunCards {...shown} />
      )}
      {runs.length < total && (
        <Button className="mt-4" onPress={onMore}>
          {t("common.showMore")}
        </Button>
      )}
      <SelectionBar runs={runs.filter((run) => selected.has(run.id))} onClear={() => setSelected(new Set())} />
    </>
  );
}
