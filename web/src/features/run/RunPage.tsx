import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";

import { api, type Run } from "@/api/client";
import { Overview } from "@/features/run/Overview";
import { RunHeader } from "@/features/run/RunHeader";
import { useRunSamples } from "@/features/run/useRunSamples";
import { t } from "@/i18n";
import type { RunTab } from "@/runTabs";
import { lazyView } from "@/shared/lazy";
import { kindOf } from "@/shared/runKinds";
import { TabBar } from "@/shared/TabBar";
import { ErrorView, QueryView } from "@/shared/views";

const route = getRouteApi("/runs/$runId");

const ConsoleTab = lazyView(() => import("@/features/run/ConsoleTab"));
const ConfigurationTab = lazyView(() => import("@/features/run/ConfigurationTab"));
const FilesTab = lazyView(() => import("@/features/run/FilesTab"));
const PicturesTab = lazyView(() => import("@/features/run/PicturesTab"));
const SamplesTab = lazyView(() => import("@/features/run/SamplesTab"));

export default function RunPage() {
  const { runId } = route.useParams();
  const query = api.useQuery("get", "/api/runs/{run_id}", { params: { path: { run_id: runId } } });
  if (query.error && !query.data) {
    return (
      <div className="grid gap-4">
        <ErrorView error={query.error} onRetry={() => query.refetch()} />
        <Link to="/" className="button justify-self-start">
          {t("notFound.home")}
        </Link>
      </div>
    );
  }
  return <QueryView query={query}>{(run) => <RunView key={run.id} run={run} />}</QueryView>;
}

function RunView({ run }: { run: Run }) {
  const { tabs } = kindOf(run);
  const { tab: asked } = route.useSearch();
  const tab = tabs.find((one) => one === asked) ?? tabs[0];
  const navigate = useNavigate();
  const { total } = useRunSamples(run.id);
  return (
    <>
      <RunHeader run={run} onDeleted={() => navigate({ to: "/" })} />
      <TabBar label={t("run.views")} current={tab} className="mt-6 mb-6">
        {tabs.map((one) => (
          <route.Link
            key={one}
            to="."
            search={(old) => ({ ...old, tab: one === tabs[0] ? undefined : one })}
            replace
            resetScroll={false}
            className="tab"
            aria-current={one === tab ? "page" : undefined}
            activeOptions={{ exact: true, includeSearch: true, explicitUndefined: true }}
          >
            {t(`run.tabs.${one}`)}
            {one === "samples" && total > 0 && <span className="text-faint text-small">{total}</span>}
          </route.Link>
        ))}
      </TabBar>
      <Tab tab={tab} run={run} />
    </>
  );
}

function Tab({ tab, run }: { tab: RunTab; run: Run }) {
  switch (tab) {
    case "overview":
      return <Overview run={run} />;
    case "samples":
      return <SamplesTab run={run} />;
    case "console":
      return <ConsoleTab run={run} />;
    case "configuration":
      return <ConfigurationTab run={run} />;
    case "files":
      return <FilesTab run={run} />;
    case "pictures":
      return <PicturesTab run={run} />;
  }
}
