import { QueryClient } from "@tanstack/react-query";
import { beforeEach, describe, expect, it } from "vitest";
import type { Run } from "@/api/client";
import { applyMessage } from "@/api/live";

const SHOWN = ["get", "/api/runs", { params: { query: { status: ["running"] } } }];

const RUN: Run = {
  id: "a",
  name: "A",
  kind: "train",
  engine: "native",
  status: "running",
  created: "2026-01-01T00:00:00Z",
  model_type: "STABLE_DIFFUSION_15",
  training_method: "LORA",
  device: "cpu",
  max_step: 8,
  max_epoch: 1,
  last_seq: 1,
  note: "",
  resolution: "64",
  batch_size: "4",
  learning_rate: 0.001,
  lora_rank: 8,
};

describe("a run that changes", () => {
  let queries: QueryClient;
  const tell = (run: Partial<Run>) => applyMessage(queries, { type: "run", data: { ...RUN, ...run } });
  const isAsked = () => queries.getQueryState(SHOWN)?.isInvalidated;
  const list = () => queries.getQueryData<{ runs: Run[] }>(SHOWN)?.runs;

  beforeEach(() => {
    queries = new QueryClient();
    tell({ status: "running" });
    queries.setQueryData(SHOWN, { runs: [RUN], total: 1 });
  });

  it("is put into the lists that hold it, without asking the server again", () => {
    tell({ status: "running", max_step: 9 });
    expect(list()).toEqual([{ ...RUN, max_step: 9 }]);
    expect(isAsked()).toBe(false);
  });

  it("asks the server for the lists again when it may no longer belong to them", () => {
    tell({ status: "completed" });
    expect(isAsked()).toBe(true);
    queries.setQueryData(SHOWN, { runs: [], total: 0 });
    tell({ status: "completed", name: "B" });
    expect(isAsked()).toBe(true);
  });

  it("leaves a list alone that has to be read again, whoever else trains meanwhile", () => {
    tell({ id: "new", status: "queued" });
    expect(isAsked()).toBe(true);
    tell({ status: "running", max_step: 9 });
    expect(isAsked()).toBe(true);
    queries.setQueryData(SHOWN, { runs: [], total: 0 });
    applyMessage(queries, { type: "run_deleted", data: { run_id: "new" } });
    tell({ status: "running", max_step: 10 });
    expect(isAsked()).toBe(true);
  });

  it("asks once for a list that it was never part of", () => {
    queries.setQueryData(SHOWN, { runs: [], total: 0 });
    tell({ status: "running", max_step: 9 });
    expect(isAsked()).toBe(false);
    tell({ id: "new", status: "queued" });
    expect(isAsked()).toBe(true);
  });
});
