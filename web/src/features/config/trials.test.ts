import { expect, it } from "vitest";
import type { ConfigField } from "@/features/config/catalog";
import { trialProblem, variedBy } from "@/features/config/trials";

const field = (type: string, more: Partial<ConfigField> = {}) =>
  ({ type, options: [], minimum: null, maximum: null, ...more }) as unknown as ConfigField;
const problem = (values: string, of: ConfigField) => trialProblem({ path: "a", values }, of);

it("takes one value a line, and nothing for an empty one", () => {
  expect(variedBy([{ path: "lora_rank", values: " 4\n\n8 " }])).toEqual({ lora_rank: ["4", "8"] });
});

it("refuses values that are none of the setting, by name", () => {
  const rank = field("integer", { minimum: 1, maximum: 512 });
  expect(problem("4\n8", rank)).toBeUndefined();
  expect(problem("4\nabc", rank)).toContain("abc");
  expect(problem("4.5", rank)).toContain("whole");
  expect(problem("0", rank)).toContain("at least 1");
  expect(problem("1e9", rank)).toContain("at most 512");
  expect(problem("inf", field("number"))).toContain("inf");
  const optimizer = field("choice", { options: [{ value: "ADAM" }] as ConfigField["options"] });
  expect(problem("ADAM", optimizer)).toBeUndefined();
  expect(problem("adam", optimizer)).toContain("adam");
  expect(problem("yes", field("boolean"))).toContain("yes");
  expect(problem("anything", field("string"))).toBeUndefined();
});
