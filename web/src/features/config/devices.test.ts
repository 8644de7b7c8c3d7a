import { describe, expect, it } from "vitest";
import { changesFor, devicesOf, updateOf } from "@/features/config/devices";

const any = { train_device: "cuda", multi_gpu: false, device_indexes: "" };
const known = [0, 1, 2];

describe("the devices of a configuration", () => {
  it.each([
    [any, []],
    [{ ...any, train_device: "cuda:1" }, [1]],
    [{ ...any, train_device: "cpu", multi_gpu: true }, []],
    [{ ...any, multi_gpu: true }, known],
    [{ ...any, multi_gpu: true, device_indexes: "2, 0,9,x" }, [0, 2]],
    [{ ...any, multi_gpu: true, device_indexes: "9" }, known],
  ])("are those that it names", (config, expected) => {
    expect(devicesOf(config, known)).toEqual(expected);
  });

  it.each([[[]], [[1]], [[0, 2]]])("are read as they were chosen", (chosen) => {
    expect(devicesOf({ ...any, ...changesFor(chosen) }, known)).toEqual(chosen);
  });

  it("make an update of the batches of all of them, or of as many as one", () => {
    const config = { batch_size: 2, gradient_accumulation_steps: 4, keep_effective_batch: false };
    expect(updateOf(config, 2)).toMatchObject({ batches: 8, each: 4, pictures: 16, divides: true });
    expect(updateOf({ ...config, keep_effective_batch: true }, 2)).toMatchObject({ batches: 4, each: 2, pictures: 8 });
    expect(updateOf(config, 3).divides).toBe(false);
  });
});
