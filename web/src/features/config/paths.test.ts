import { describe, expect, it } from "vitest";
import { catalogPath, changesBetween, getAt, setAt } from "@/features/config/paths";

const config = { rate: 1, unet: { train: true, rate: null }, samples: [{ prompt: "a" }] };

describe("paths", () => {
  it("read objects and lists alike", () => {
    expect(getAt(config, "unet.train")).toBe(true);
    expect(getAt(config, "samples.0.prompt")).toBe("a");
    expect(getAt(config, "nothing.here")).toBeUndefined();
  });

  it("change a copy and leave the rest shared", () => {
    const next = setAt(config, "samples.0.prompt", "b");
    expect(next.samples[0]?.prompt).toBe("b");
    expect(config.samples[0]?.prompt).toBe("a");
    expect(next.unet).toBe(config.unet);
  });

  it("name what differs; a list is one value", () => {
    const next = setAt(setAt(config, "unet.train", false), "samples.0.prompt", "b");
    expect(changesBetween(config, next)).toEqual({ "unet.train": false, samples: [{ prompt: "b" }] });
    expect(changesBetween(config, config)).toEqual({});
    expect(changesBetween({ samples: [{ prompt: "a", seed: 1 }] }, { samples: [{ seed: 1, prompt: "a" }] })).toEqual(
      {},
    );
  });

  it("are known to the catalogue without numbers", () => {
    expect(catalogPath("samples.2.prompt")).toBe("samples[].prompt");
    expect(catalogPath("unet.train")).toBe("unet.train");
  });
});
