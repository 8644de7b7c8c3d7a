import { expect, it } from "vitest";
import type { ConfigField } from "@/features/config/catalog";
import { alongWith, namedPatterns } from "@/features/config/layerChoice";

const choices = {
  SD: { full: { patterns: "", is_regex: false }, "attn-mlp": { patterns: "attentions", is_regex: false } },
  FLUX: { full: { patterns: "", is_regex: false }, "attn-mlp": { patterns: "^attn", is_regex: true } },
  WAN: { full: { patterns: "", is_regex: false } },
};
const preset = { path: "layer_filter_preset", default: "full", layer_choices: choices } as unknown as ConfigField;
const fields = new Map([
  ["layer_filter_preset", preset],
  ["model_type", { path: "model_type", layer_choices: {} } as unknown as ConfigField],
]);
const config = { model_type: "SD", layer_filter: "", layer_filter_preset: "attn-mlp", layer_filter_regex: false };

it("fills in the patterns of a choice, and keeps those of one's own", () => {
  const chosen = (name: string) => alongWith("layer_filter_preset", name, config, fields);
  expect(chosen("attn-mlp")).toEqual({ layer_filter: "attentions", layer_filter_regex: false });
  expect(chosen("full")).toEqual({ layer_filter: "", layer_filter_regex: false });
  expect(chosen("custom")).toEqual({});
  expect(alongWith("layer_filter", "ff", config, fields)).toEqual({ layer_filter_preset: "custom" });
  expect(alongWith("layer_filter", "", config, fields)).toEqual({ layer_filter_preset: "full" });
  expect(alongWith("epochs", 3, config, fields)).toEqual({});
});

it("goes over to another model by the name of the choice", () => {
  const change = (model: string, own = config) => alongWith("model_type", model, own, fields);
  expect(change("FLUX")).toEqual({
    layer_filter_preset: "attn-mlp",
    layer_filter: "^attn",
    layer_filter_regex: true,
  });
  expect(change("WAN")).toEqual({ layer_filter_preset: "full", layer_filter: "", layer_filter_regex: false });
  expect(change("WAN", { ...config, layer_filter: "ff", layer_filter_preset: "custom" })).toEqual({});
});

it("shows the patterns of a choice that a configuration only names", () => {
  expect(namedPatterns("layer_filter", config, fields)).toBe("attentions");
  expect(namedPatterns("layer_filter", { ...config, layer_filter_preset: "full" }, fields)).toBeUndefined();
  expect(namedPatterns("epochs", config, fields)).toBeUndefined();
});
