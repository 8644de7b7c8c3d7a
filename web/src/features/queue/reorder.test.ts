import { expect, it } from "vitest";
import { reorder } from "@/features/queue/reorder";

it("moves runs before or behind another", () => {
  expect(reorder(["a", "b", "c"], new Set(["c"]), "a", "before")).toEqual(["c", "a", "b"]);
  expect(reorder(["a", "b", "c"], new Set(["a"]), "b", "after")).toEqual(["b", "a", "c"]);
});
