/** What the guided start makes of a few answers: an ordinary configuration. */
import type { Config } from "@/features/config/paths";

export type Answers = {
  dataset: string;
  trigger: string;
  preset: string;
  /** Empty leaves what the preset has. */
  baseModel: string;
  resolution: string;
  epochs: string;
  batchSize: string;
  learningRate: string;
  rank: string;
  prompt: string;
  name: string;
};

export const NO_ANSWERS: Answers = {
  dataset: "",
  trigger: "",
  preset: "",
  baseModel: "",
  resolution: "",
  epochs: "",
  batchSize: "",
  learningRate: "",
  rank: "",
  prompt: "",
  name: "",
};

/** The settings that matter most, by what the guided start calls them. */
export const SETTINGS = {
  resolution: "resolution",
  epochs: "epochs",
  batchSize: "batch_size",
  learningRate: "learning_rate",
  rank: "lora_rank",
} as const;
export type Setting = keyof typeof SETTINGS;

/** About so many steps teach a LoRA a subject or a style with the rates of the presets. */
const USUAL_STEPS = 1500;
const MOST_EPOCHS = 200;

/** So many epochs make about the usual number of steps of so many pictures. */
export function suggestedEpochs(numPictures: number, batchSize: number): number {
  if (numPictures <= 0) return 0;
  return Math.min(MOST_EPOCHS, Math.max(1, Math.round((USUAL_STEPS * batchSize) / numPictures)));
}

/** What a setting comes to: what was answered, else what the data set suggests, else what the preset has. */
export function entryOf(setting: Setting, answers: Answers, preset: Config, numPictures: number): string {
  if (answers[setting].trim()) return answers[setting].trim();
  if (setting === "epochs" && numPictures > 0) {
    const batch = Number(entryOf("batchSize", answers, preset, numPictures));
    return String(suggestedEpochs(numPictures, batch > 0 ? batch : 1));
  }
  return String(preset[SETTINGS[setting]] ?? "");
}

/** The caption of a first sample: what was answered, else the trigger word alone. */
export function promptOf({ prompt, trigger }: Answers): string {
  return prompt.trim() || trigger.trim();
}

/** The configuration of these answers; a number that is none stays text, for the checks to say so. */
export function planned(answers: Answers, preset: Config, numPictures: number): Config {
  const settings = Object.entries(SETTINGS).map(([setting, key]) => {
    const value = entryOf(setting as Setting, answers, preset, numPictures);
    const isNumber = key !== "resolution" && value !== "" && Number.isFinite(Number(value));
    return [key, isNumber ? Number(value) : value];
  });
  const prompt = promptOf(answers);
  const [sample = {}] = (preset.samples ?? []) as Config[];
  return {
    ...preset,
    ...Object.fromEntries(settings),
    ...(answers.baseModel.trim() && { base_model_name: answers.baseModel.trim() }),
    concepts: answers.dataset ? [{ name: answers.dataset, path: `datasets/${answers.dataset}` }] : [],
    ...(prompt && { samples: [{ ...sample, prompt }] }),
  };
}

/** Steps of a training, as the sizes of its pictures fill batches; null while it cannot be known. */
export function plannedSteps(config: Config, buckets: readonly { count: number; left_over: number }[]): number | null {
  const [batch, epochs] = [Number(config.batch_size), Number(config.epochs)];
  if (!(batch > 0 && epochs > 0)) return null;
  const perEpoch = buckets.reduce((sum, bucket) => sum + (bucket.count - bucket.left_over) / batch, 0);
  return Math.round(perEpoch) * epochs;
}
