/** How much of a picture is seen: the arithmetic of zooming and panning, in pixels from the middle of its frame. */

/** `x` and `y` say how far the picture is moved out of the middle. */
export type Zoom = { scale: number; x: number; y: number };
type Point = { x: number; y: number };
type Frame = { width: number; height: number };

export const WHOLE: Zoom = { scale: 1, x: 0, y: 0 };
const MOST = 16;

/** Larger by `factor`; what lies under `at` stays there. */
export function zoomed(zoom: Zoom, factor: number, at: Point, frame: Frame): Zoom {
  const scale = Math.min(MOST, Math.max(1, zoom.scale * factor));
  const grown = scale / zoom.scale;
  return kept({ scale, x: at.x - (at.x - zoom.x) * grown, y: at.y - (at.y - zoom.y) * grown }, frame);
}

export function panned(zoom: Zoom, by: Point, frame: Frame): Zoom {
  return kept({ ...zoom, x: zoom.x + by.x, y: zoom.y + by.y }, frame);
}

/** The picture never leaves its frame. */
function kept({ scale, x, y }: Zoom, frame: Frame): Zoom {
  const within = (value: number, size: number) => {
    const most = ((scale - 1) * size) / 2;
    return Math.min(most, Math.max(-most, value)) + 0; // no minus zero
  };
  return { scale, x: within(x, frame.width), y: within(y, frame.height) };
}
