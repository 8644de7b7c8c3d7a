import { describe, expect, it } from "vitest";
import { Curves, lastValue, smooth } from "@/features/run/curves";

const at = (global_step: number, value: number | null) => ({ global_step, time: "", values: { loss: value } });

describe("curves", () => {
  it("go on with what the stream brings", () => {
    const curves = Curves.from({ loss: [{ step: 1, value: 3 }] }).with([at(2, 2), at(3, 1)]);
    expect(curves.byName.get("loss")).toEqual({ steps: [1, 2, 3], values: [3, 2, 1] });
  });

  it("keep one value for a step that comes twice", () => {
    const curves = Curves.from({ loss: [{ step: 1, value: 3 }] }).with([at(1, 3)]);
    expect(curves.byName.get("loss")?.steps).toEqual([1]);
  });

  it("forget what a resumed run goes over again", () => {
    const steps = [1, 2, 3, 4].map((step) => ({ step, value: step }));
    const curves = Curves.from({ loss: steps }).with([at(3, 9)]);
    expect(curves.byName.get("loss")).toEqual({ steps: [1, 2, 3], values: [1, 2, 9] });
  });

  it("do not change under those who hold an older state", () => {
    const before = Curves.from({ loss: [{ step: 1, value: 3 }] });
    before.with([at(2, 2)]);
    expect(before.byName.get("loss")?.steps).toEqual([1]);
  });

  it("give the last number, not a gap", () => {
    expect(lastValue({ steps: [1, 2], values: [0.5, null] })).toBe(0.5);
    expect(lastValue(undefined)).toBeNull();
  });
});

describe("smoothing", () => {
  it("leaves a constant as it is from the first value on", () => {
    expect(smooth([2, 2, 2], 0.9).map((value) => value?.toFixed(6))).toEqual(["2.000000", "2.000000", "2.000000"]);
  });

  it("changes nothing with weight 0 and keeps gaps", () => {
    expect(smooth([1, null, 3], 0)).toEqual([1, null, 3]);
  });
});
