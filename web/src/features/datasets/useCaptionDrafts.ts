import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { changeAnswers } from "@/api/answers";
import { CaptionDrafts, type Seen } from "@/features/datasets/captionDrafts";
import type { DatasetPicture } from "@/features/datasets/DatasetView";

const PICTURES = "/api/datasets/{name}/pictures";
const WRITES_ON = ["online", "pagehide"];
type Page = { pictures: DatasetPicture[] };
type Key = readonly [string, string, { params: { path: { name: string } } }];

/** The drafts of a data set; what is written shows in all lists of its pictures, and leaving with one unwritten asks. */
export function useCaptionDrafts(name: string): CaptionDrafts {
  const queries = useQueryClient();
  const [drafts] = useState(() => {
    const predicate = ({ queryKey }: { queryKey: readonly unknown[] }) =>
      queryKey[1] === PICTURES && (queryKey as Key)[2].params.path.name === name;
    return new CaptionDrafts(name, (picture, now) =>
      changeAnswers<Page>(queries, { predicate }, (page) => withCaption(page, picture, now)),
    );
  });
  useEffect(() => {
    const retry = () => void drafts.flush();
    const ask = (event: BeforeUnloadEvent) => drafts.hasUnsaved && event.preventDefault();
    for (const event of WRITES_ON) window.addEventListener(event, retry);
    window.addEventListener("beforeunload", ask);
    return () => {
      for (const event of WRITES_ON) window.removeEventListener(event, retry);
      window.removeEventListener("beforeunload", ask);
    };
  }, [drafts]);
  return drafts;
}

function withCaption(page: Page, picture: string, now: Seen): Page {
  const change = { ...now, has_caption: now.caption !== "" };
  return { ...page, pictures: page.pictures.map((one) => (one.name === picture ? { ...one, ...change } : one)) };
}
