import { useQueries } from "@tanstack/react-query";
import { useState } from "react";
import { client, type Run, type Sample } from "@/api/client";
import { Picture } from "@/features/samples/SampleWall";
import { t } from "@/i18n";
import { facts } from "@/shared/format";
import { lazyDialog } from "@/shared/lazy";
import { Scroller } from "@/shared/Scroller";
import { SelectField } from "@/shared/SelectField";
import { buildWall, factsOf, stepLabel, stepName, type Wall } from "@/shared/sampleGrid";
import { Empty, Loading } from "@/shared/views";

const Lightbox = lazyDialog(() => import("@/features/samples/Lightbox"));

const LIMIT = 2000;
const NEWEST = "newest";

async function readSamples(runId: string): Promise<Sample[]> {
  const { data, error } = await client.GET("/api/samples/list", {
    params: { query: { run_id: runId, order: "newest", limit: LIMIT } },
  });
  if (error !== undefined) throw error;
  return data.samples;
}

/** The same prompt at the same step, one column a run; large, the arrow keys go from run to run. */
export function CompareSamples({ runs }: { runs: Run[] }) {
  const queries = useQueries({
    queries: runs.map((run) => ({
      // Read again whenever a sample is drawn, like all lists of samples.
      queryKey: ["get", "/api/samples/list", "compared", run.id],
      queryFn: () => readSamples(run.id),
    })),
  });
  const [chosen, setChosen] = useState(NEWEST);
  const [open, setOpen] = useState<string | null>(null);
  if (queries.some((query) => query.isPending)) return <Loading rows={2} />;
  const walls = queries.map((query) => buildWall(query.data ?? []));
  const prompts = sharedFirst(walls.map((wall) => wall.rows.map((row) => row.prompt)));
  const steps = [...new Set(walls.flatMap((wall) => wall.steps))].sort((a, b) => b - a);
  const rows = prompts.map((prompt) => walls.map((wall) => sampleAt(wall, prompt, chosen)));
  const nameOf = (sample: Sample) => runs.find((run) => run.id === factsOf(sample).runId)?.name ?? "";
  if (prompts.length === 0) return <Empty icon="pictures" title={t("samples.noneYet")} />;
  return (
    <section aria-labelledby="compared-samples" className="card grid gap-4 p-4">
      <div className="flex flex-wrap items-center gap-4">
        <h2 id="compared-samples" className="grow text-heading">
          {t("samples.title")}
        </h2>
        <SelectField
          label={t("compare.step")}
          isLabelHidden
          className="w-44"
          value={chosen}
          options={[
            { value: NEWEST, label: t("compare.newestStep") },
            ...steps.map((step) => ({
              value: String(step),
              label: stepName(step),
            })),
          ]}
          onChange={setChosen}
        />
      </div>
      <Scroller label={t("samples.title")}>
        <table className="table">
          <thead>
            <tr>
              {runs.map((run) => (
                <th key={run.id} scope="col">
                  {run.name}
                </th>
              ))}
            </tr>
          </thead>
          {prompts.map((prompt, row) => (
            <tbody key={prompt}>
              <tr>
                <th scope="rowgroup" colSpan={runs.length} className="border-b-0! pb-0! font-normal text-dim">
                  {prompt || t("samples.noPrompt")}
                </th>
              </tr>
              <tr>
                {rows[row]?.map((sample, column) => (
                  <td key={runs[column]?.id}>
                    {sample ? (
                      <Cell sample={sample} run={nameOf(sample)} onOpen={setOpen} />
                    ) : (
                      <span className="text-faint">{t("common.unknown")}</span>
                    )}
                  </td>
                ))}
              </tr>
            </tbody>
          ))}
        </table>
      </Scroller>
      {open && (
        <Lightbox
          rows={rows.map((row) => row.flatMap((sample) => sample ?? []))}
          sampleId={open}
          onChange={setOpen}
          onClose={() => setOpen(null)}
          along="runs"
          labelOf={(sample) => facts(nameOf(sample), stepLabel(sample))}
        />
      )}
    </section>
  );
}

/** All prompts, once each: those that most runs have drawn come first. */
export function sharedFirst(promptsOfRuns: readonly (readonly string[])[]): string[] {
  const counts = new Map<string, number>();
  for (const prompts of promptsOfRuns)
    for (const prompt of new Set(prompts)) counts.set(prompt, (counts.get(prompt) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).map(([prompt]) => prompt);
}

function sampleAt(wall: Wall, prompt: string, step: string): Sample | undefined {
  const row = wall.rows.find((one) => one.prompt === prompt);
  const wanted = step === NEWEST ? wall.steps.find((one) => row?.byStep.has(one)) : Number(step);
  return wanted === undefined ? undefined : row?.byStep.get(wanted);
}

function Cell({ sample, run, onOpen }: { sample: Sample; run: string; onOpen: (id: string) => void }) {
  const { prompt, globalStep } = factsOf(sample);
  return (
    <figure className="grid gap-1 [--picture:192px] max-sm:[--picture:128px]">
      <Picture sample={sample} onOpen={onOpen} label={t("samples.openOf", { run, prompt, step: globalStep })} />
      <figcaption className="text-faint text-tiny">{stepName(globalStep)}</figcaption>
    </figure>
  );
}
