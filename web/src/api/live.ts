/** Keeps the queries fresh from the live stream, so that no view polls. */
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { changeAnswers } from "@/api/answers";
import type { Run } from "@/api/client";
import { isLoggedIn } from "@/api/login";
import { type LiveMessage, LiveStream } from "@/api/stream";
import { t } from "@/i18n";
import { notifySystem } from "@/shared/notifications";
import { kindOf } from "@/shared/runKinds";
import { isActive, isEnded } from "@/shared/status";
import { Store, useStore } from "@/shared/store";

const TOPICS = ["training", "runs", "samples"] as const;
const STATUS_KEY = ["get", "/api/training/status"];

export const isConnected = new Store(true);

export function useIsConnected(): boolean {
  return useStore(isConnected);
}

export function applyMessage(queries: QueryClient, message: LiveMessage): void {
  switch (message.type) {
    case "run":
      putRun(queries, message.data);
      break;
    case "run_deleted":
      forgetRun(queries, message.data.run_id);
      break;
    case "queue":
      queries.setQueryData(["get", "/api/queue"], message.data);
      break;
    case "training_state":
    case "connected":
      queries.setQueryData(STATUS_KEY, message.data);
      break;
    case "sample":
    case "sample_default":
    case "sample_custom":
      queries.invalidateQueries({ queryKey: ["get", "/api/samples/list"] });
      queries.invalidateQueries({ queryKey: ["get", "/api/samples/latest"] });
  }
}

type RunList = { runs: Run[]; total: number };

function runKey(runId: string): unknown[] {
  return ["get", "/api/runs/{run_id}", { params: { path: { run_id: runId } } }];
}

function putRun(queries: QueryClient, run: Run): void {
  const before = queries.getQueryData<Run>(runKey(run.id));
  queries.setQueryData(runKey(run.id), run);
  const lists = { queryKey: ["get", "/api/runs"] };
  changeAnswers<RunList>(queries, lists, (list) => ({
    ...list,
    runs: list.runs.map((known) => (known.id === run.id ? run : known)),
  }));
  // Most lists are of some states or of what a search finds: only the server knows whether the run belongs to them now.
  if (before?.status !== run.status || before.name !== run.name) queries.invalidateQueries(lists);
  if (before?.status !== run.status) {
    if (before && isActive(before.status) && isEnded(run.status) && kindOf(run).isTraining)
      notifySystem(run.name, run.error ?? t(`status.${run.status}`), run.id);
    for (const part of ["files", "backups", "saves"])
      queries.invalidateQueries({ queryKey: ["get", `/api/runs/{run_id}/${part}`] });
  }
}

function forgetRun(queries: QueryClient, runId: string): void {
  queries.removeQueries({ queryKey: runKey(runId) });
  queries.invalidateQueries({ queryKey: ["get", "/api/runs"] });
  queries.invalidateQueries({ queryKey: ["get", "/api/samples/list"] });
}

/** The page's one general connection; the shell holds it while the browser is logged in. */
export function useLiveQueries(): void {
  const queries = useQueryClient();
  const mayAsk = useStore(isLoggedIn);
  useEffect(() => {
    if (!mayAsk) return;
    const stream = new LiveStream({
      topics: TOPICS,
      onMessage: (message) => applyMessage(queries, message),
      onOpen: () => queries.invalidateQueries(),
      onState: (isOpen) => {
        isConnected.set(isOpen);
        // A socket does not say why it was refused; the answer to this tells a login that ended from a server away.
        if (!isOpen) queries.invalidateQueries({ queryKey: STATUS_KEY });
      },
    });
    return () => stream.close();
  }, [queries, mayAsk]);
}

/** A further connection for what only one view shows, such as log lines; `onOpen` also runs after each break. */
export function useLive(
  topics: readonly string[],
  onMessage: (message: LiveMessage) => void,
  onOpen: () => void,
): void {
  const latest = useRef({ onMessage, onOpen });
  latest.current = { onMessage, onOpen };
  const key = topics.join(",");
  useEffect(() => {
    const stream = new LiveStream({
      topics: key.split(","),
      onMessage: (message) => latest.current.onMessage(message),
      onOpen: () => latest.current.onOpen(),
    });
    return () => stream.close();
  }, [key]);
}
