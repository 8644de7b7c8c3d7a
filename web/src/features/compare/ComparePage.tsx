import { useQueries } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { api, client, type Run } from "@/api/client";
import { CompareConfigs } from "@/features/compare/CompareConfigs";
import { CompareCurves } from "@/features/compare/CompareCurves";
import { CompareSamples } from "@/features/compare/CompareSamples";
import { SavedViews } from "@/features/views/SavedViews";
import { t } from "@/i18n";
import { IconButton } from "@/shared/Button";
import { formatDateTime } from "@/shared/format";
import { PageHeader } from "@/shared/PageHeader";
import { SelectField } from "@/shared/SelectField";
import { StatusPill } from "@/shared/status";
import { Empty, QueryView } from "@/shared/views";

const MOST = 6;
const FEWEST = 2;
const route = getRouteApi("/compare");

/** Two to six runs beside each other: curves, settings, samples. Which ones, the address says. */
export default function ComparePage() {
  const query = api.useQuery("get", "/api/runs", { params: { query: { kind: "train", limit: 1000 } } });
  return <QueryView query={query}>{({ runs }) => <Comparison all={runs} />}</QueryView>;
}

function Comparison({ all }: { all: Run[] }) {
  const { runs = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const ids = runs.split(",").filter(Boolean).slice(0, MOST);
  const chosen = ids.flatMap((id) => all.find((run) => run.id === id) ?? []);
  const choose = (next: string[]) =>
    navigate({ search: { runs: next.join(",") || undefined }, replace: true, resetScroll: false });
  const others = all.filter((run) => !ids.includes(run.id));
  return (
    <>
      <PageHeader title={t("compare.title")} lead={t("compare.lead")}>
        <SavedViews current={{ search: "", status: "all", run_ids: ids }} />
        {chosen.length < MOST && others.length > 0 && (
          <SelectField
            label={t("compare.add")}
            isLabelHidden
            className="w-72 max-w-full"
            value=""
            options={[
              { value: "", label: t("compare.add") },
              ...others.map((run) => ({
                value: run.id,
                label: t("compare.option", { name: run.name, time: formatDateTime(run.created) }),
              })),
            ]}
            onChange={(id) => id && choose([...ids, id])}
          />
        )}
      </PageHeader>
      <ul className="mb-6 flex flex-wrap gap-3">
        {chosen.map((run, index) => (
          <li key={run.id} className="card flex items-center gap-3 py-1.5 pr-1.5 pl-3">
            <i
              aria-hidden="true"
              className="h-1 w-4 rounded-full"
              style={{ background: `var(--color-curve-${index + 1})` }}
            />
            <Link to="/runs/$runId" params={{ runId: run.id }} className="font-medium hover:underline">
              {run.name}
            </Link>
            <StatusPill status={run.status} />
            <IconButton
              icon="close"
              isSmall
              label={t("compare.remove", { name: run.name })}
              onPress={() => choose(ids.filter((id) => id !== run.id))}
            />
          </li>
        ))}
      </ul>
      {chosen.length < FEWEST ? <Empty icon="compare" title={t("compare.choose")} /> : <Chosen runs={chosen} />}
    </>
  );
}

function Chosen({ runs }: { runs: Run[] }) {
  const configs = useQueries({
    queries: runs.map((run) => ({
      queryKey: ["get", "/api/runs/{run_id}/config", { params: { path: { run_id: run.id } } }],
      queryFn: async () => {
        const { data, error } = await client.GET("/api/runs/{run_id}/config", { params: { path: { run_id: run.id } } });
        if (error !== undefined) throw error;
        return data;
      },
    })),
  });
  return (
    <div className="grid gap-8">
      <CompareCurves runs={runs} />
      <CompareSamples runs={runs} />
      <CompareConfigs runs={runs} configs={configs.map((query) => query.data)} />
    </div>
  );
}
