/** The catalogue of settings, and which of them matter for the configuration at hand. */
import isSame from "fast-deep-equal";
import type { components } from "@/api/schema";
import { type Config, getAt } from "@/features/config/paths";

export type ConfigField = components["schemas"]["Field"];
export type FieldCondition = components["schemas"]["FieldCondition"];
export type Issue = components["schemas"]["Issue"];

export const LEVELS = ["essential", "common", "advanced", "expert"] as const;
export type Level = (typeof LEVELS)[number];

export const TABS = [
  "general",
  "model",
  "data",
  "concepts",
  "training",
  "lora",
  "embedding",
  "sampling",
  "backup",
  "cloud",
] as const;
export type ConfigTab = (typeof TABS)[number];

/** `samples[].seed` for the third sample → samples.2.seed */
export function inElement(path: string, element: string): string {
  const list = element.replace(/\.\d+$/, "");
  return path.startsWith(`${list}[]`) ? element + path.slice(list.length + 2) : path;
}

export function isVisible(conditions: readonly FieldCondition[], config: Config, element = ""): boolean {
  return conditions.every(({ path, values }) => {
    const value = getAt(config, inElement(path, element));
    return values.some((wanted) => isSame(wanted, value));
  });
}

export function isChanged(field: ConfigField, value: unknown): boolean {
  return value !== undefined && !isSame(value ?? null, field.default ?? null);
}

type Choice = { config: Config; level: Level; search: string; problems: ReadonlySet<string> };

/** Fields inside lists are drawn by the list; units are drawn beside their number; secrets have a page of their own. */
function isOwnRow(field: ConfigField, unitPaths: ReadonlySet<string>): boolean {
  if (field.secret || unitPaths.has(field.path) || field.path.includes("[]")) return false;
  return field.type !== "object" && field.widget !== "none";
}

/** The rows to show: what applies and is important enough; changed settings and ones with problems always. */
export function chooseFields(fields: readonly ConfigField[], choice: Choice): ConfigField[] {
  const unitPaths = new Set(fields.map((field) => field.unit_path).filter(Boolean));
  const words = choice.search.toLowerCase().split(/\s+/).filter(Boolean);
  const level = LEVELS.indexOf(choice.level);
  const found = fields.filter((field) => {
    if (!isOwnRow(field, unitPaths) || !isVisible(field.visible_when, choice.config)) return false;
    if (words.length > 0) return matches(field, words);
    if (choice.problems.has(field.path)) return true;
    if (isChanged(field, getAt(choice.config, field.path))) return true;
    return LEVELS.indexOf(field.importance) <= level && (field.obeyed || choice.level === "expert");
  });
  if (words.length === 0) return found;
  return found.toSorted((a, b) => rankOf(a, words) - rankOf(b, words));
}

/** Best what is called exactly so, then what begins so, then what has the words in its name. */
function rankOf(field: ConfigField, words: readonly string[]): number {
  const label = field.label.toLowerCase();
  const entered = words.join(" ");
  if (label === entered) return 0;
  if (label.startsWith(entered)) return 1;
  return words.every((word) => label.includes(word)) ? 2 : 3;
}

function matches(field: ConfigField, words: readonly string[]): boolean {
  const haystack =
    `${field.label} ${field.path} ${field.group} ${field.help} ${field.other_words} ${field.unit}`.toLowerCase();
  return words.every((word) => haystack.includes(word));
}

/** Settings of the elements of lists that a search finds; they stand in the cards of their list. */
export function findInLists(fields: readonly ConfigField[], search: string): ConfigField[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const found = fields.filter(
    (field) => field.path.includes("[].") && field.type !== "object" && !field.secret && matches(field, words),
  );
  return found.toSorted((a, b) => rankOf(a, words) - rankOf(b, words));
}

/** The settings of the elements of a list, such as `samples`. */
export function elementFields(fields: readonly ConfigField[], list: string): ConfigField[] {
  return fields.filter((field) => field.path.startsWith(`${list}[].`) && field.type !== "object");
}

/** Groups with an essential setting come first; otherwise they stay in the catalogue's order. */
export function essentialFirst(groups: [string, ConfigField[]][]): [string, ConfigField[]][] {
  const rank = (members: ConfigField[]) => Math.min(...members.map((field) => LEVELS.indexOf(field.importance)));
  return groups.toSorted(([, a], [, b]) => Number(rank(a) > 0) - Number(rank(b) > 0));
}

export function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): [string, Item[]][] {
  const groups = new Map<string, Item[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return [...groups];
}

/** A new element of a list, with the default of each of its settings. */
export function newElement(fields: readonly ConfigField[], list: string): Config {
  const element: Config = {};
  for (const field of elementFields(fields, list)) {
    const keys = field.path.slice(list.length + 3).split(".");
    let at = element;
    for (const key of keys.slice(0, -1)) {
      at[key] ??= {};
      at = at[key] as Config;
    }
    const last = keys.at(-1);
    // A default that the catalogue does not know, such as a random seed, is left to the server.
    if (last && (field.default !== null || field.nullable)) at[last] = field.default;
  }
  return element;
}
