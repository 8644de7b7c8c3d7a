/** Who reads a LoRA in which format, as the server knows it of each model. */
import { api } from "@/api/client";
import type { components } from "@/api/schema";
import { type Config, getAt } from "@/features/config/paths";
import { facts } from "@/shared/format";
import type { Option } from "@/shared/SelectField";

export type FormatReaders = components["schemas"]["FormatReaders"];
type ModelType = components["schemas"]["ModelType"];
type ModelReaders = components["schemas"]["ModelReaders"];

/** Of the file that a configuration makes; undefined for another kind of file, of which the table tells nothing. */
export function useFormatReaders(config: Config): FormatReaders[] | undefined {
  const isPlainLora = config.training_method === "LORA" && config.peft_type === "LORA" && !config.lora_decompose;
  const { data } = api.useQuery(
    "get",
    "/api/config/readers",
    { params: { query: { model_type: config.model_type as ModelType } } },
    { enabled: isPlainLora },
  );
  return isPlainLora && data ? readersOf(data, config) : undefined;
}

export function readersOf(readers: ModelReaders, config: Config): FormatReaders[] {
  const hasText = readers.text_parts.some((part) => getAt(config, `${part}.train`) === true);
  return hasText ? readers.with_text : readers.without_text;
}

/** The options in the order of their readers, whose names stand behind them; what nothing is known of comes last. */
export function withReaders(options: readonly Option[], readers: readonly FormatReaders[]): Option[] {
  const known = readers.flatMap(({ format, short }) =>
    options
      .filter((option) => option.value === format)
      .map((option) => ({ ...option, label: facts(option.label, short) })),
  );
  return [...known, ...options.filter((option) => !readers.some(({ format }) => format === option.value))];
}
