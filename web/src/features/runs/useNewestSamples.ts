import { api, type Sample } from "@/api/client";
import { factsOf } from "@/shared/sampleGrid";

const LOOKED_AT = 200;

/** The newest sample of each run that has drawn lately, by run id. */
export function useNewestSamples(): Map<string, Sample> {
  const { data } = api.useQuery("get", "/api/samples/latest", { params: { query: { count: LOOKED_AT } } });
  const newest = new Map<string, Sample>();
  for (const sample of data?.samples ?? []) {
    const { runId } = factsOf(sample);
    if (!newest.has(runId)) newest.set(runId, sample);
  }
  return newest;
}
