import { describe, expect, it } from "vitest";
import { panned, WHOLE, zoomed } from "@/features/samples/zoom";

const FRAME = { width: 400, height: 200 };

describe("a zoomed picture", () => {
  it("keeps what lies under the cursor where it is", () => {
    const at = { x: 100, y: -50 };
    const twice = zoomed(WHOLE, 2, at, FRAME);
    expect(twice).toEqual({ scale: 2, x: -100, y: 50 });
    const shownThere = (zoom: typeof twice) => [(at.x - zoom.x) / zoom.scale, (at.y - zoom.y) / zoom.scale];
    expect(shownThere(twice)).toEqual(shownThere(WHOLE));
    expect(zoomed(twice, 0.5, at, FRAME)).toEqual(WHOLE);
  });

  it("is never smaller than its frame, nor endlessly large", () => {
    expect(zoomed(WHOLE, 0.1, { x: 9, y: 9 }, FRAME)).toEqual(WHOLE);
    expect(zoomed(WHOLE, 1000, { x: 0, y: 0 }, FRAME).scale).toBe(16);
  });

  it("does not leave its frame", () => {
    const twice = zoomed(WHOLE, 2, { x: 0, y: 0 }, FRAME);
    expect(panned(twice, { x: 30, y: -20 }, FRAME)).toEqual({ scale: 2, x: 30, y: -20 });
    expect(panned(twice, { x: 999, y: -999 }, FRAME)).toEqual({ scale: 2, x: 200, y: -100 });
    expect(panned(WHOLE, { x: 5, y: 5 }, FRAME)).toEqual(WHOLE);
  });
});
