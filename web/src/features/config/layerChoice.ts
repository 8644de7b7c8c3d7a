/** Layer choices: one fills in its patterns, those of another model follow it, and own patterns are a choice too. */
import type { ConfigField } from "@/features/config/catalog";
import { type Changes, type Config, getAt } from "@/features/config/paths";

const CUSTOM = "custom";
const EVERYTHING = "full";

type Fields = ReadonlyMap<string, ConfigField>;

/** "quantization.layer_filter" → "quantization.layer_filter_preset"; null for settings of another kind. */
function choiceOf(path: string): string | null {
  return path.endsWith("layer_filter") ? `${path}_preset` : null;
}

function fill(path: string, choice: unknown, modelType: unknown, fields: Fields): Changes {
  const known = fields.get(path)?.layer_choices[String(modelType)]?.[String(choice)];
  const owner = path.slice(0, -"_preset".length);
  return known ? { [owner]: known.patterns, [`${owner}_regex`]: known.is_regex } : {};
}

/** What else changes with a setting. */
export function alongWith(path: string, value: unknown, config: Config, fields: Fields): Changes {
  const choice = choiceOf(path);
  if (choice) return { [choice]: value === "" ? EVERYTHING : CUSTOM };
  if (path.endsWith("layer_filter_preset")) return fill(path, value, config.model_type, fields);
  return path === "model_type" ? follow(value, config, fields) : {};
}

/** Choices by name go over to another model: its own patterns of that name, else all layers. */
function follow(modelType: unknown, config: Config, fields: Fields): Changes {
  let changes: Changes = {};
  for (const [path, field] of fields) {
    const chosen = String(getAt(config, path));
    if (!path.endsWith("layer_filter_preset") || chosen === CUSTOM || chosen === field.default) continue;
    const name = field.layer_choices[String(modelType)]?.[chosen] ? chosen : EVERYTHING;
    changes = { ...changes, [path]: name, ...fill(path, name, modelType, fields) };
  }
  return changes;
}

/** The patterns of the choice that a configuration names without writing them out. */
export function namedPatterns(path: string, config: Config, fields: Fields): string | undefined {
  const choice = choiceOf(path);
  if (!choice) return undefined;
  const name = String(getAt(config, choice));
  return fields.get(choice)?.layer_choices[String(config.model_type)]?.[name]?.patterns || undefined;
}
