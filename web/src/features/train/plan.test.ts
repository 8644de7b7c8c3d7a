import { describe, expect, it } from "vitest";
import { NO_ANSWERS, planned, plannedSteps, suggestedEpochs } from "@/features/train/plan";

const preset = {
  base_model_name: "model",
  resolution: "512",
  epochs: 100,
  batch_size: 2,
  learning_rate: 0.0003,
  lora_rank: 16,
  concepts: [],
  samples: [{ prompt: "a lighthouse", width: 512, seed: 42 }],
};

describe("a training from a few answers", () => {
  it("is the preset with the pictures, the trigger word as a prompt, and epochs that fit the pictures", () => {
    const answers = { ...NO_ANSWERS, dataset: "my cat", trigger: "ohwx cat", rank: "8" };
    expect(planned(answers, preset, 30)).toEqual({
      ...preset,
      epochs: 100,
      lora_rank: 8,
      concepts: [{ name: "my cat", path: "datasets/my cat" }],
      samples: [{ prompt: "ohwx cat", width: 512, seed: 42 }],
    });
    expect(planned({ ...answers, batchSize: "4", prompt: "a cat" }, preset, 30)).toMatchObject({
      epochs: 200,
      batch_size: 4,
      samples: [{ prompt: "a cat" }],
    });
  });

  it("passes on what is no number, for the checks to refuse", () => {
    const config = planned({ ...NO_ANSWERS, learningRate: "quick" }, preset, 0);
    expect(config.learning_rate).toBe("quick");
    expect(config.epochs).toBe(100);
    expect(config.samples).toEqual(preset.samples);
  });

  it("is neither endless with few pictures nor nothing with many", () => {
    expect([0, 1, 50, 100_000].map((count) => suggestedEpochs(count, 1))).toEqual([0, 200, 30, 1]);
  });

  it("counts the batches that are filled", () => {
    const buckets = [
      { count: 7, left_over: 3 },
      { count: 4, left_over: 0 },
    ];
    expect(plannedSteps({ batch_size: 4, epochs: 10 }, buckets)).toBe(20);
    expect(plannedSteps({ batch_size: "many", epochs: 10 }, buckets)).toBeNull();
  });
});
