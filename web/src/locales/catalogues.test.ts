import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Catalogue, flatten, keysFile, placeholders } from "../../catalogues";

const FOLDER = join(__dirname);

function read(name: string): Catalogue {
  return JSON.parse(readFileSync(join(FOLDER, name), "utf8"));
}

const ENGLISH = flatten(read("en.json"));
const others = readdirSync(FOLDER).filter((name) => name.endsWith(".json") && name !== "en.json");

describe("the catalogues", () => {
  it("are what the page's keys were made of", async () => {
    await expect(keysFile(read("en.json"))).toMatchFileSnapshot(join(FOLDER, "keys.ts"));
  });

  it.each(others)("%s says all that the English one says, with the same parts", (name) => {
    const messages = flatten(read(name));
    expect([...messages.keys()]).toEqual([...ENGLISH.keys()]);
    for (const [key, message] of messages)
      expect([key, placeholders(message)]).toEqual([key, placeholders(ENGLISH.get(key) ?? "")]);
  });
});
