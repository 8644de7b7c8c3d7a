/** Settings by their dotted paths: reading, changing without touching the old object, and telling two states apart. */

import isSame from "fast-deep-equal";

export type Config = Record<string, unknown>;
export type Changes = Record<string, unknown>;

function isObject(value: unknown): value is Config {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** "samples.0.prompt" → the value there, or undefined. */
export function getAt(config: unknown, path: string): unknown {
  let at = config;
  for (const key of path.split(".")) {
    if (typeof at !== "object" || at === null) return undefined;
    at = (at as Config)[key];
  }
  return at;
}

/** A copy of `config` with `value` at `path`; what lies beside the path is shared with the original. */
export function setAt<Part>(config: Part, path: string, value: unknown): Part {
  const [key = "", ...rest] = path.split(".");
  const copy = (Array.isArray(config) ? [...config] : { ...(config as Config) }) as Config;
  copy[key] = rest.length > 0 ? setAt(copy[key] ?? {}, rest.join("."), value) : value;
  return copy as Part;
}

/** What has to be changed in `from` to get `to`: dotted path → value. A list is one value. */
export function changesBetween(from: Config, to: Config, prefix = ""): Changes {
  const changes: Changes = {};
  for (const [key, value] of Object.entries(to)) {
    const before = from[key];
    const path = prefix + key;
    if (isSame(before, value)) continue;
    if (isObject(before) && isObject(value)) Object.assign(changes, changesBetween(before, value, `${path}.`));
    else changes[path] = value;
  }
  return changes;
}

/** The other way: `config` with each of the changes made. */
export function withChanges(config: Config, changes: Changes): Config {
  return Object.entries(changes).reduce((changed, [path, value]) => setAt(changed, path, value), config);
}

/** The dotted paths in which two configurations differ; lists are compared entry by entry. */
export function differingPaths(left: unknown, right: unknown, path = ""): string[] {
  if (isSame(left, right)) return [];
  const areLists = Array.isArray(left) && Array.isArray(right);
  if (!areLists && !(isObject(left) && isObject(right))) return [path];
  const [a, b] = [left as Config, right as Config];
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].flatMap((key) => differingPaths(a[key], b[key], path ? `${path}.${key}` : key));
}

/** samples.0.prompt → samples[].prompt, the path under which the catalogue knows it. */
export function catalogPath(path: string): string {
  return path.replaceAll(/\.\d+(?=\.|$)/g, "[]");
}
