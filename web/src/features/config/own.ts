/** What of a configuration is a person's own work: the pictures and the prompts, which no preset may take away unasked. */
import type { Config } from "@/features/config/paths";

export const OWN = ["concepts", "samples"] as const;
export type Own = (typeof OWN)[number];

/** What a sample says besides how it is drawn, which fits the model. */
const OF_PROMPT = ["enabled", "prompt", "negative_prompt", "seed", "random_seed"];

function listOf(config: Config, own: Own): Config[] {
  return (config[own] ?? []) as Config[];
}

/** How many concepts or samples of `current` would be gone with `next`; 0 as well where both have the same. */
export function numLost(current: Config, next: Config, own: Own): number {
  const kept = new Set(listOf(next, own).map((one) => JSON.stringify(one)));
  return listOf(current, own).filter((one) => !kept.has(JSON.stringify(one))).length;
}

/** `next` with the pictures or prompts of `current`; prompts are drawn with the size and the steps that `next` has. */
export function withOwn(current: Config, next: Config, keeps: readonly Own[]): Config {
  const kept: Config = {};
  if (keeps.includes("concepts")) kept.concepts = current.concepts;
  if (keeps.includes("samples")) kept.samples = listOf(current, "samples").map((one) => asDrawnBy(next, one));
  return { ...next, ...kept };
}

function asDrawnBy(next: Config, sample: Config): Config {
  const [usual = sample] = listOf(next, "samples");
  return { ...usual, ...Object.fromEntries(OF_PROMPT.map((key) => [key, sample[key]])) };
}

/** What a file without pictures or prompts of its own leaves as it is, as OneTrainer's presets do. */
export function leftAlone(current: Config, next: Config): Own[] {
  return OWN.filter((own) => listOf(next, own).length === 0 && listOf(current, own).length > 0);
}
