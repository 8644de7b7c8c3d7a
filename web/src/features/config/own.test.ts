import { describe, expect, it } from "vitest";
import { leftAlone, numLost, withOwn } from "@/features/config/own";

const cat = { name: "cat", path: "datasets/cat" };
const mine = {
  epochs: 3,
  concepts: [cat],
  samples: [{ prompt: "my cat", negative_prompt: "", seed: 7, random_seed: false, enabled: true, width: 512 }],
};
const lighthouse = {
  prompt: "a lighthouse",
  negative_prompt: "",
  seed: 1,
  random_seed: false,
  enabled: true,
  width: 1024,
};
const preset = { epochs: 100, concepts: [], samples: [lighthouse] };

describe("a preset", () => {
  it("says how many pictures and prompts it would take away", () => {
    expect(numLost(mine, preset, "concepts")).toBe(1);
    expect(numLost(mine, preset, "samples")).toBe(1);
    expect(numLost(mine, { ...preset, concepts: [cat] }, "concepts")).toBe(0);
    expect(numLost({ concepts: null }, preset, "concepts")).toBe(0);
  });

  it("leaves what is kept, and draws own prompts as its model wants", () => {
    const loaded = withOwn(mine, preset, ["concepts", "samples"]);
    expect(loaded).toMatchObject({ epochs: 100, concepts: [cat] });
    expect(loaded.samples).toEqual([{ ...lighthouse, prompt: "my cat", seed: 7 }]);
    expect(withOwn(mine, preset, [])).toEqual(preset);
  });

  it("without pictures of its own leaves those that are there", () => {
    expect(leftAlone(mine, preset)).toEqual(["concepts"]);
    expect(leftAlone(mine, {})).toEqual(["concepts", "samples"]);
    expect(leftAlone({ concepts: [] }, preset)).toEqual([]);
  });
});
