import { api, type Sample } from "@/api/client";
import { factsOf } from "@/shared/sampleGrid";

/** As many runs as a list shows at once. */
const RUNS = 1000;

/** The newest sample of each run that has drawn any, by run id. */
export function useNewestSamples(): Map<string, Sample> {
  const { data } = api.useQuery("get", "/api/samples/latest", {
    params: { query: { count: RUNS, of_each_run: true } },
  });
  return new Map(data?.samples.map((sample) => [factsOf(sample).runId, sample]));
}
