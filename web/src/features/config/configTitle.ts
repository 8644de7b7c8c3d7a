/** What a configuration that can be loaded by name is called on the page. */
import type { components } from "@/api/schema";
import { language, t } from "@/i18n";
import { formatEnum } from "@/shared/format";

type Listed = components["schemas"]["ListedConfig"];

/** A preset by what it trains, a person's own file by the name it was given. */
export function configTitle({ name, model_type, training_method }: Listed): string {
  if (!model_type || !training_method) return name;
  return t("config.presetName", { model: formatEnum(model_type), method: formatEnum(training_method), file: name });
}

/** People's own files first, each kind by title. */
export function sortConfigs(configs: readonly Listed[]): Listed[] {
  return [...configs].sort(
    (a, b) => a.kind.localeCompare(b.kind) || configTitle(a).localeCompare(configTitle(b), language.get()),
  );
}
