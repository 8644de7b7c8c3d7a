import { expect, it } from "vitest";
import { sharedFirst } from "@/features/compare/CompareSamples";

it("puts prompts that most runs have drawn first", () => {
  expect(
    sharedFirst([
      ["a", "b"],
      ["c", "b"],
    ]),
  ).toEqual(["b", "a", "c"]);
});
