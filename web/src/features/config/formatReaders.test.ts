import { describe, expect, it } from "vitest";
import { readersOf, withReaders } from "@/features/config/formatReaders";

const said = (format: string, short: string) => ({ format, short, sentence: `${short} read it.` }) as never;
const readers = {
  text_parts: ["text_encoder", "text_encoder_2"],
  without_text: [said("COMFY_LORA", "ComfyUI, Forge"), said("KOHYA_LORA", "ComfyUI, Forge in part")],
  with_text: [said("KOHYA_LORA", "ComfyUI"), said("COMFY_LORA", "ComfyUI in part")],
};
const options = [
  { value: "KOHYA_LORA", label: "Kohya" },
  { value: "SAFETENSORS", label: "Safetensors" },
  { value: "COMFY_LORA", label: "ComfyUI" },
];

describe("output formats", () => {
  it("are said to be read by those who read what this configuration trains", () => {
    const nothing = { text_encoder: { train: false }, text_encoder_2: {} };
    expect(readersOf(readers, nothing)).toBe(readers.without_text);
    expect(readersOf(readers, { ...nothing, text_encoder_2: { train: true } })).toBe(readers.with_text);
  });

  it("stand in the order of their readers, with the names of these behind them", () => {
    expect(withReaders(options, readers.without_text).map(({ label }) => label)).toEqual([
      "ComfyUI · ComfyUI, Forge",
      "Kohya · ComfyUI, Forge in part",
      "Safetensors",
    ]);
  });
});
