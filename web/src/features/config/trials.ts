/** Settings that are tried with several values, and what is wrong with those. */
import type { ConfigField } from "@/features/config/catalog";
import { t } from "@/i18n";

/** A setting that is tried with several values, one a line. */
export type Trial = { path: string; values: string };

export function linesOf({ values }: Trial): string[] {
  return values
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

/** What the server is asked to vary. */
export function variedBy(trials: readonly Trial[]): Record<string, string[]> {
  return Object.fromEntries(trials.map((trial) => [trial.path, linesOf(trial)]));
}

/** What the values of a setting can be, where that is a list. */
export function choicesOf(field: ConfigField): string[] {
  return field.type === "boolean" ? ["true", "false"] : field.options.map((option) => option.value);
}

/** Why one of the values is none of this setting; undefined where all are. */
export function trialProblem(trial: Trial, field: ConfigField | undefined): string | undefined {
  if (!field) return undefined;
  for (const value of linesOf(trial)) {
    const problem = valueProblem(value, field);
    if (problem) return t("variants.problem", { value, problem });
  }
  return undefined;
}

function valueProblem(value: string, field: ConfigField): string | undefined {
  const choices = choicesOf(field);
  if (choices.length > 0) return choices.includes(value) ? undefined : t("variants.noChoice");
  if (field.type !== "integer" && field.type !== "number") return undefined;
  const number = Number(value);
  if (!Number.isFinite(number)) return t("config.noNumber");
  if (field.type === "integer" && !Number.isInteger(number)) return t("config.noWholeNumber");
  if (field.minimum !== null && number < field.minimum) return t("config.tooSmall", { limit: field.minimum });
  if (field.maximum !== null && number > field.maximum) return t("config.tooLarge", { limit: field.maximum });
  return undefined;
}
