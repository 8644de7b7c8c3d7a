import { getRouteApi } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { api, type Sample } from "@/api/client";
import { Picture } from "@/features/samples/SampleWall";
import { useOpenSample } from "@/features/samples/useOpenSample";
import { rowsOf } from "@/features/samples/walk";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { TextField } from "@/shared/fields";
import { facts } from "@/shared/format";
import { lazyDialog } from "@/shared/lazy";
import { PageHeader } from "@/shared/PageHeader";
import { SelectField } from "@/shared/SelectField";
import { buildWall, factsOf, stepLabel } from "@/shared/sampleGrid";
import { Empty, QueryView } from "@/shared/views";

const Lightbox = lazyDialog(() => import("@/features/samples/Lightbox"));

const PAGE = 200;
const ALL = "";
const route = getRouteApi("/samples");

/** All pictures of all runs, newest first. */
export default function SamplesPage() {
  const { run = ALL, prompt = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const [limit, setLimit] = useState(PAGE);
  const runs = api.useQuery("get", "/api/runs", { params: { query: { limit: 1000 } } });
  const query = api.useQuery("get", "/api/samples/list", {
    params: { query: { ...(run ? { run_id: run } : {}), order: "newest", limit } },
  });
  const names = new Map(runs.data?.runs.map((one) => [one.id, one.name]));
  return (
    <>
      <PageHeader title={t("samples.title")}>
        <SelectField
          label={t("samples.run")}
          isLabelHidden
          className="w-full sm:w-60"
          value={run}
          options={[
            { value: ALL, label: t("samples.allRuns") },
            ...[...names].map(([value, label]) => ({ value, label })),
          ]}
          onChange={(value) =>
            navigate({ search: (old) => ({ ...old, run: value || undefined }), replace: true, resetScroll: false })
          }
        />
        <TextField
          label={t("samples.searchPrompts")}
          isLabelHidden
          placeholder={t("samples.searchPrompts")}
          className="w-full sm:w-60"
          value={prompt}
          onChange={(value) =>
            navigate({ search: (old) => ({ ...old, prompt: value || undefined }), replace: true, resetScroll: false })
          }
        />
      </PageHeader>
      <QueryView query={query}>
        {(page) => (
          <>
            <Gallery samples={page.samples} prompt={prompt} names={names} />
            {page.samples.length < page.total && (
              <Button className="mt-6" onPress={() => setLimit(limit + PAGE)}>
                {t("common.showMore")}
              </Button>
            )}
          </>
        )}
      </QueryView>
    </>
  );
}

function Gallery({
  samples,
  prompt,
  names,
}: {
  samples: Sample[];
  prompt: string;
  names: ReadonlyMap<string, string>;
}) {
  const [open, setOpen] = useOpenSample();
  const needle = prompt.toLowerCase();
  const shown = needle ? samples.filter((sample) => factsOf(sample).prompt.toLowerCase().includes(needle)) : samples;
  const opened = samples.find((sample) => sample.id === open);
  const runId = opened ? factsOf(opened).runId : null;
  const rows = useMemo(
    () => rowsOf(buildWall(samples.filter((sample) => factsOf(sample).runId === runId))),
    [samples, runId],
  );
  if (shown.length === 0) return <Empty icon="pictures" title={needle ? t("samples.noMatch") : t("samples.noneYet")} />;
  return (
    <>
      <ul className="gallery">
        {shown.map((sample) => {
          const drawn = factsOf(sample);
          return (
            <li key={sample.id} className="grid gap-1">
              <Picture sample={sample} onOpen={setOpen} />
              <p className="truncate text-small" title={drawn.prompt}>
                {drawn.prompt || t("samples.noPrompt")}
              </p>
              <p className="truncate text-faint text-tiny">
                {facts(names.get(drawn.runId) ?? drawn.runId, stepLabel(sample))}
              </p>
            </li>
          );
        })}
      </ul>
      {open && <Lightbox rows={rows} sampleId={open} onChange={setOpen} onClose={() => setOpen(null)} />}
    </>
  );
}
