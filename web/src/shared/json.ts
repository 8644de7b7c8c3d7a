/** JSON values as text for people. */

import { t } from "@/i18n";

const LONGEST = 200;

export function showJson(value: unknown): string {
  if (value === undefined || value === null || value === "") return t("common.unknown");
  if (typeof value === "boolean") return value ? t("common.on") : t("common.off");
  if (Array.isArray(value) && value.some((one) => typeof one === "object"))
    return t("configuration.entries", { count: value.length });
  if (typeof value === "object" && !Array.isArray(value)) {
    const { prompt, name, path, placeholder } = value as Record<string, unknown>;
    const title = prompt || name || path || placeholder;
    if (typeof title === "string") return title;
  }
  const shown = typeof value === "string" ? value : JSON.stringify(value);
  return shown.length > LONGEST ? `${shown.slice(0, LONGEST)}…` : shown;
}
