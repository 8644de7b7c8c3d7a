import { expect, test } from "vitest";
import { flattened } from "@/features/datasets/dropped";

function dropped(...paths: string[]) {
  return paths.map((path) => ({ path, file: new File([path], path.split("/").at(-1) ?? "") }));
}

test("files keep their names where each name comes once", () => {
  const files = flattened(dropped("/set/1.png", "/set/1.txt", "/set/more/2.png"));
  expect(files.map((file) => file.name)).toEqual(["1.png", "1.txt", "2.png"]);
});

test("where two files share a name, all are named after their folders", async () => {
  const files = flattened(dropped("/set/a/1.png", "/set/a/1.txt", "/set/b/1.png"));
  expect(files.map((file) => file.name)).toEqual(["set_a_1.png", "set_a_1.txt", "set_b_1.png"]);
  expect(await files[2]?.text()).toBe("/set/b/1.png");
});
