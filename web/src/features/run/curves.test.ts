import { describe, expect, it } from "vitest";
import { Curves, carryOn, lastValue } from "@/features/run/curves";
import { joined, toSeconds } from "@/features/run/useStepTimes";

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

describe("a smoothed curve", () => {
  const smoothed = (values: (number | null)[]) =>
    carryOn({ steps: [], values: [] }, { steps: values.map((_, index) => index), values }, 0.5);

  it("is corrected for its start and keeps gaps", () => {
    expect(smoothed([2, null, 5])).toEqual({ steps: [0, 1, 2], values: [2, null, 4] });
  });

  it("goes on from what the server sent as if it had been sent whole", () => {
    const values = [4, 2, null, 7, 1];
    const raw = { steps: [0, 1, 2, 3, 4], values };
    expect(carryOn(smoothed(values.slice(0, 3)), raw, 0.5)).toEqual(smoothed(values));
  });

  it("ends where a resumed run stands", () => {
    const raw = { steps: [0, 1], values: [4, 2] };
    expect(carryOn(smoothed([4, 2, 9, 9]), raw, 0.5)).toEqual(smoothed([4, 2]));
  });
});

describe("the time of a step", () => {
  const read = { steps: [1, 11, 21], values: [100, 110, 140] };

  it("lies between the two that are known beside it", () => {
    expect(toSeconds([1, 6, 11, 16, 30], read)).toEqual([0, 5, 10, 25, 40]);
    expect(toSeconds([], read)).toEqual([]);
  });

  it("is the last one where a resumed run goes over its steps again", () => {
    expect(joined(read, { steps: [12, 13], values: [500, 501] })).toEqual({
      steps: [1, 11, 12, 13],
      values: [100, 110, 500, 501],
    });
    expect(joined(read, { steps: [], values: [] })).toBe(read);
  });
});
