/** What a build and the tests do with the catalogues of `src/locales`: flatten them, compile them, name their parts. */
import { type CompiledMessage, compileMessage } from "@lingui/message-utils/compileMessage";
import type { Plugin } from "vite";

/** Messages in groups, as the files hold them. */
export type Catalogue = { [name: string]: string | Catalogue };

/** The messages by their dotted keys. */
export function flatten(catalogue: Catalogue, prefix = ""): Map<string, string> {
  return new Map(
    Object.entries(catalogue).flatMap(([name, value]) =>
      typeof value === "string" ? [[prefix + name, value] as const] : [...flatten(value, `${prefix}${name}.`)],
    ),
  );
}

/** The names of what a message is given, each once, sorted. */
export function placeholders(message: string): string[] {
  const names = new Set<string>();
  const collect = (part: CompiledMessage | unknown) => {
    if (!Array.isArray(part)) return;
    for (const token of part) {
      if (!Array.isArray(token)) continue;
      names.add(String(token[0]));
      if (token[2] && typeof token[2] === "object") Object.values(token[2]).forEach(collect);
    }
  };
  collect(compileMessage(message));
  return [...names].sort();
}

/** The text of `src/locales/keys.ts`: what there is to say, and what each message has to be given. */
export function keysFile(catalogue: Catalogue): string {
  const lines = [...flatten(catalogue)].map(([key, message]) => {
    const needs = placeholders(message).map((name) => `${name}: Value`);
    return `  ${JSON.stringify(key)}: ${needs.length > 0 ? `{ ${needs.join("; ")} }` : "null"};\n`;
  });
  return `/** Made from en.json by \`npm run generate\`. */\ntype Value = string | number;\n\nexport type Needs = {\n${lines.join("")}};\nexport type Key = keyof Needs;\n`;
}

/** Catalogues asked for with \`?messages\` come flat and compiled: nothing of a message is parsed in the browser. */
export const catalogues: Plugin = {
  name: "catalogues",
  enforce: "pre",
  transform(text, id) {
    if (!id.endsWith(".json?messages")) return null;
    const compiled = [...flatten(JSON.parse(text) as Catalogue)].map(([key, message]) => [
      key,
      compileMessage(message),
    ]);
    return { code: `export default ${JSON.stringify(Object.fromEntries(compiled))}`, moduleType: "js", map: null };
  },
};
