import { describe, expect, it } from "vitest";
import type { Run } from "@/api/client";
import { groupRuns } from "@/features/runs/groups";

const run = (id: string, more: Partial<Run>) => ({ id, status: "completed", tags: [], ...more }) as Run;
const shown = (by: Parameters<typeof groupRuns>[1], runs: Run[]) =>
  groupRuns(runs, by).map(({ title, runs: members }) => [title, ...members.map((one) => one.id)]);

describe("runs under headings", () => {
  const runs = [run("a", { tags: ["cat"] }), run("b", { tags: ["cat", "good"], status: "running" }), run("c", {})];

  it("stand together by their tags, under each of several", () => {
    expect(shown("tag", runs)).toEqual([
      ["cat", "a", "b"],
      ["good", "b"],
      ["Without a tag", "c"],
    ]);
  });

  it("begin with those that go on where nothing divides them", () => {
    expect(shown("none", runs)).toEqual([["", "b", "a", "c"]]);
  });
});
