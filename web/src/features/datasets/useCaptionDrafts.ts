import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { changeAnswers } from "@/api/answers";
import { isConnected } from "@/api/live";
import { CaptionDrafts, type Seen } from "@/features/datasets/captionDrafts";
import type { DatasetPicture } from "@/features/datasets/DatasetView";

const PICTURES = "/api/datasets/{name}/pictures";
type Page = { pictures: DatasetPicture[] };
type Key = readonly [string, string, { params: { path: { name: string } } }];

/** Live as long as the page, whichever view is open. */
const all = new Map<string, CaptionDrafts>();

function flushAll(): void {
  for (const drafts of all.values()) void drafts.flush();
}

isConnected.subscribe(() => isConnected.get() && flushAll());
window.addEventListener("pagehide", flushAll);
window.addEventListener("beforeunload", (event) => {
  if ([...all.values()].some((drafts) => drafts.hasUnsaved)) event.preventDefault();
});

/** The drafts of a data set; what is written shows in all lists of its pictures, and leaving with one unwritten asks. */
export function useCaptionDrafts(name: string): CaptionDrafts {
  const queries = useQueryClient();
  let drafts = all.get(name);
  if (!drafts) {
    const predicate = ({ queryKey }: { queryKey: readonly unknown[] }) =>
      queryKey[1] === PICTURES && (queryKey as Key)[2].params.path.name === name;
    drafts = new CaptionDrafts(name, (picture, now) =>
      changeAnswers<Page>(queries, { predicate }, (page) => withCaption(page, picture, now)),
    );
    all.set(name, drafts);
  }
  const { flush } = drafts;
  useEffect(() => void flush(), [flush]);
  return drafts;
}

function withCaption(page: Page, picture: string, now: Seen): Page {
  const change = { ...now, has_caption: now.caption !== "" };
  return { ...page, pictures: page.pictures.map((one) => (one.name === picture ? { ...one, ...change } : one)) };
}
