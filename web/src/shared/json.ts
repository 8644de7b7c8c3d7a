/** JSON values as text for people. */

import { text } from "@/text";

const LONGEST = 200;

export function showJson(value: unknown): string {
  if (value === undefined || value === null || value === "") return text.common.unknown;
  if (typeof value === "boolean") return value ? text.common.on : text.common.off;
  if (Array.isArray(value) && value.some((one) => typeof one === "object"))
    return text.configuration.entries(value.length);
  if (typeof value === "object" && !Array.isArray(value)) {
    const { prompt, name, path, placeholder } = value as Record<string, unknown>;
    const title = prompt || name || path || placeholder;
    if (typeof title === "string") return title;
  }
  const shown = typeof value === "string" ? value : JSON.stringify(value);
  return shown.length > LONGEST ? `${shown.slice(0, LONGEST)}…` : shown;
}
