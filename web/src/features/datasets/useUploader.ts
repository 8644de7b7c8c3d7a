import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { LIST_KEY, pictureUrl } from "@/features/datasets/DatasetsPage";
import { Uploader } from "@/features/datasets/uploads";

/** Reading the list of a large data set is work for the server: between two times it rests so many times as long. */
const RESTS = 9;
const SHORTEST_REST_MS = 1000;

/** What shows files of data sets. */
const SHOWING = [LIST_KEY, ["get", "/api/datasets/{name}/pictures"], ["get", "/api/datasets/{name}/statistics"]];

/** They outlive the view: who looks at another page and comes back finds the upload under way. */
const uploaders = new Map<string, Uploader>();

window.addEventListener("beforeunload", (event) => {
  if ([...uploaders.values()].some((uploader) => uploader.isBusy)) event.preventDefault();
});

/** The one uploader of a data set. */
export function useUploader(name: string): Uploader {
  return uploaderOf(useQueryClient(), name);
}

export function uploaderOf(queries: QueryClient, name: string): Uploader {
  const known = uploaders.get(name);
  if (known) return known;
  const made = new Uploader((file) => pictureUrl(name, file.name), pictureReader(queries));
  uploaders.set(name, made);
  return made;
}

/** Give up what is sent to a data set that is deleted. */
export function forgetUploader(name: string): void {
  uploaders.get(name)?.cancel();
  uploaders.delete(name);
}

/** Shows the pictures as they come: at once when all are through, and now and then before. */
function pictureReader(queries: QueryClient): (isLast: boolean) => Promise<void> {
  let isReading = false;
  let nextMs = 0;
  const readAgain = async (queryKey: string[]) => {
    await queries.cancelQueries({ queryKey }); // a first reading under way would count as the new one
    await queries.invalidateQueries({ queryKey });
  };
  return async (isLast) => {
    const beganMs = performance.now();
    if (!isLast && (isReading || beganMs < nextMs)) return;
    isReading = true;
    await Promise.all(SHOWING.map(readAgain));
    const endedMs = performance.now();
    nextMs = endedMs + Math.max(SHORTEST_REST_MS, RESTS * (endedMs - beganMs));
    isReading = false;
  };
}
