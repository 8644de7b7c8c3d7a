/** Orders samples as a wall: one row for each prompt (with its seed and size), one column for each step. */
import type { Sample } from "@/api/client";
import { t } from "@/i18n";
import { formatCount } from "@/shared/format";

export type SampleFacts = {
  prompt: string;
  negativePrompt: string;
  seed: number | null;
  steps: number | null;
  cfgScale: number | null;
  width: number | null;
  height: number | null;
  kind: string;
  runId: string;
  globalStep: number;
  epoch: number;
};

export type WallRow = { key: string; prompt: string; seed: number | null; byStep: Map<number, Sample> };
export type Wall = { steps: number[]; rows: WallRow[]; custom: Sample[] };

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

export function factsOf(sample: Sample): SampleFacts {
  const data = sample.metadata as Record<string, unknown>;
  return {
    prompt: String(data.prompt ?? ""),
    negativePrompt: String(data.negative_prompt ?? ""),
    seed: numberOrNull(data.seed),
    steps: numberOrNull(data.steps),
    cfgScale: numberOrNull(data.cfg_scale),
    width: numberOrNull(data.width),
    height: numberOrNull(data.height),
    kind: String(data.kind ?? "default"),
    runId: String(data.run_id ?? ""),
    globalStep: numberOrNull(data.global_step) ?? 0,
    epoch: numberOrNull(data.epoch) ?? 0,
  };
}

/** When a picture was drawn, in words. */
export function stepName(globalStep: number): string {
  return globalStep === 0 ? t("samples.beforeTraining") : t("samples.atStep", { step: formatCount(globalStep) });
}

/** The same of a picture; nothing is known of one that a finished model drew. */
export function stepLabel(sample: Sample): string {
  const facts = factsOf(sample);
  return isOfNoStep(facts) ? t("samples.customOne") : stepName(facts.globalStep);
}

/** Custom samples of step 0 come from a model that is there, trained before and elsewhere or not at all. */
export function isOfNoStep({ kind, globalStep }: SampleFacts): boolean {
  return kind === "custom" && globalStep === 0;
}

/** Samples that belong to one row: same prompt and settings, so that only the training differs. */
export function rowKey(facts: SampleFacts): string {
  return JSON.stringify([facts.prompt, facts.negativePrompt, facts.seed, facts.cfgScale, facts.width, facts.height]);
}

/** @param samples Any order; of two at the same place the one drawn later is shown. */
export function buildWall(samples: readonly Sample[]): Wall {
  const rows = new Map<string, WallRow>();
  const steps = new Set<number>();
  const oldestFirst = [...samples].sort((a, b) => a.timestamp.localeCompare(b.timestamp) || a.id.localeCompare(b.id));
  for (const sample of oldestFirst) {
    const facts = factsOf(sample);
    if (facts.kind === "custom") continue;
    const key = rowKey(facts);
    const row = rows.get(key) ?? { key, prompt: facts.prompt, seed: facts.seed, byStep: new Map() };
    row.byStep.set(facts.globalStep, sample);
    rows.set(key, row);
    steps.add(facts.globalStep);
  }
  const custom = oldestFirst.filter((sample) => factsOf(sample).kind === "custom").reverse();
  return { steps: [...steps].sort((a, b) => b - a), rows: [...rows.values()], custom };
}

/** What to send to draw the same picture again. */
export function sampleRequest(facts: SampleFacts): Record<string, unknown> {
  return {
    prompt: facts.prompt,
    negative_prompt: facts.negativePrompt,
    seed: facts.seed,
    steps: facts.steps,
    cfg_scale: facts.cfgScale,
    width: facts.width,
    height: facts.height,
  };
}
