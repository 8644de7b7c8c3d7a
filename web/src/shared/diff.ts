/** Differences between configurations, by the path of each setting. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Difference = { path: string; left: Json | undefined; right: Json | undefined };

function isObject(value: unknown): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Every setting by its path: {"unet": {"train": true}} gives unet.train. Lists of objects are numbered from 1. */
export function flatten(value: Json, prefix = ""): Map<string, Json> {
  const flat = new Map<string, Json>();
  const visit = (at: Json, path: string) => {
    const isList = Array.isArray(at) && at.some(isObject);
    if (!isList && !isObject(at)) {
      flat.set(path, at);
      return;
    }
    for (const [key, part] of Object.entries(at)) {
      const name = isList ? String(Number(key) + 1) : key;
      visit(part, path ? `${path}.${name}` : name);
    }
  };
  visit(value, prefix);
  return flat;
}

/** Settings that differ, in alphabetical order; format versions do not count. */
export function difference(left: Json, right: Json): Difference[] {
  const a = flatten(left);
  const b = flatten(right);
  const paths = new Set([...a.keys(), ...b.keys()]);
  return [...paths]
    .filter((path) => !path.endsWith("__version") && JSON.stringify(a.get(path)) !== JSON.stringify(b.get(path)))
    .sort()
    .map((path) => ({ path, left: a.get(path), right: b.get(path) }));
}

export function showJson(value: Json | undefined): string {
  if (value === undefined || value === null || value === "") return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}
