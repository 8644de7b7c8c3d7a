import { describe, expect, it } from "vitest";
import { placeOf, rowsOf, step } from "@/features/samples/walk";
import { buildWall, stepLabel } from "@/shared/sampleGrid";

const sample = (id: string, prompt: string, global_step: number, kind = "default") => ({
  id,
  timestamp: `2026-01-01T00:00:${id.padStart(2, "0")}Z`,
  path: "",
  metadata: { prompt, global_step, kind, seed: 1 },
});

const wall = buildWall([
  sample("1", "cat", 0),
  sample("2", "dog", 0),
  sample("3", "cat", 10),
  sample("4", "dog", 10),
  sample("5", "owl", 10, "custom"),
]);

describe("the wall", () => {
  it("has a row for each prompt and the newest step first", () => {
    expect(wall.steps).toEqual([10, 0]);
    expect(wall.rows.map((row) => row.prompt)).toEqual(["cat", "dog"]);
    expect(wall.rows[0]?.byStep.get(10)?.id).toBe("3");
  });

  it("keeps custom samples apart", () => {
    expect(wall.custom.map((one) => one.id)).toEqual(["5"]);
  });

  it("calls nothing before training that a finished model drew", () => {
    const labels = [sample("1", "cat", 0), sample("2", "cat", 0, "custom"), sample("3", "cat", 7, "custom")].map(
      stepLabel,
    );
    expect(labels).toEqual(["before training", "custom sample", "step 7"]);
  });

  it("is walked with steps sideways and prompts up and down", () => {
    const place = placeOf(rowsOf(wall), "1");
    if (!place) throw new Error("the sample is not on the wall");
    expect(step(place, 1, 0)).toBe("3");
    expect(step(place, -1, 0)).toBeNull();
    expect(step(place, 0, 1)).toBe("2");
    expect(placeOf(rowsOf(wall), "9")).toBeNull();
  });
});
