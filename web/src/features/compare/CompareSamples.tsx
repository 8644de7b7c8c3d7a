import { useQueries } from "@tanstack/react-query";
import { useState } from "react";
import { client, type Run, type Sample, sampleImage } from "@/api/client";
import { SelectField } from "@/shared/fields";
import { Scroller } from "@/shared/Scroller";
import { buildWall, stepName, type Wall } from "@/shared/sampleGrid";
import { Empty, Loading } from "@/shared/views";
import { text } from "@/text";

const LIMIT = 2000;
const NEWEST = "newest";

async function readSamples(runId: string): Promise<Sample[]> {
  const { data, error } = await client.GET("/api/samples/list", {
    params: { query: { run_id: runId, order: "newest", limit: LIMIT } },
  });
  if (error !== undefined) throw error;
  return data.samples;
}

/** The same prompt at the same step, one column a run. */
export function CompareSamples({ runs }: { runs: Run[] }) {
  const queries = useQueries({
    queries: runs.map((run) => ({
      queryKey: ["compare-samples", run.id, run.status],
      queryFn: () => readSamples(run.id),
    })),
  });
  const [chosen, setChosen] = useState(NEWEST);
  if (queries.some((query) => query.isPending)) return <Loading rows={2} />;
  const walls = queries.map((query) => buildWall(query.data ?? []));
  const prompts = sharedFirst(walls.map((wall) => wall.rows.map((row) => row.prompt)));
  const steps = [...new Set(walls.flatMap((wall) => wall.steps))].sort((a, b) => b - a);
  if (prompts.length === 0) return <Empty icon="pictures" title={text.samples.noneYet} />;
  return (
    <section aria-labelledby="compared-samples" className="card grid gap-4 p-4">
      <div className="flex flex-wrap items-center gap-4">
        <h2 id="compared-samples" className="grow text-heading">
          {text.samples.title}
        </h2>
        <SelectField
          label={text.compare.step}
          isLabelHidden
          className="w-44"
          value={chosen}
          options={[
            { value: NEWEST, label: text.compare.newestStep },
            ...steps.map((step) => ({
              value: String(step),
              label: stepName(step),
            })),
          ]}
          onChange={setChosen}
        />
      </div>
      <Scroller label={text.samples.title}>
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
          {prompts.map((prompt) => (
            <tbody key={prompt}>
              <tr>
                <th scope="rowgroup" colSpan={runs.length} className="border-b-0! pb-0! font-normal text-dim">
                  {prompt || text.samples.noPrompt}
                </th>
              </tr>
              <tr>
                {walls.map((wall, index) => (
                  <td key={runs[index]?.id}>
                    <Cell wall={wall} prompt={prompt} step={chosen} />
                  </td>
                ))}
              </tr>
            </tbody>
          ))}
        </table>
      </Scroller>
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

function Cell({ wall, prompt, step }: { wall: Wall; prompt: string; step: string }) {
  const row = wall.rows.find((one) => one.prompt === prompt);
  const wanted = step === NEWEST ? wall.steps.find((one) => row?.byStep.has(one)) : Number(step);
  const sample = wanted === undefined ? undefined : row?.byStep.get(wanted);
  if (!sample || wanted === undefined) return <span className="text-faint">{text.common.unknown}</span>;
  return (
    <figure className="grid w-48 gap-1 max-sm:w-32">
      <img
        src={sampleImage(sample.id, 512)}
        alt={text.samples.alt(prompt, stepName(wanted))}
        className="picture aspect-square rounded-control"
      />
      <figcaption className="text-faint text-tiny">{stepName(wanted)}</figcaption>
    </figure>
  );
}
