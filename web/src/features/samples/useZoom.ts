import { useEffect, useRef, useState } from "react";
import { panned, WHOLE, type Zoom, zoomed } from "@/features/samples/zoom";

const WHEEL = 0.0022;
const STEP = 1.5;
const CLOSE = 3;
const KEYS: Record<string, number> = { "+": STEP, "=": STEP, "-": 1 / STEP };

/** Where a pointer is within the frame of a picture, from its middle. */
function within(frame: DOMRect, event: { clientX: number; clientY: number }) {
  return { x: event.clientX - frame.x - frame.width / 2, y: event.clientY - frame.y - frame.height / 2 };
}

function frameOf(event: Event): DOMRect | undefined {
  return (event.target as HTMLElement).closest("[data-zoom-frame]")?.getBoundingClientRect();
}

/**
 * One zoom for all pictures of a stage: by the wheel, a double click, two fingers, + and -; 0 shows the whole. Dragging
 * moves a picture that is zoomed.
 */
export function useZoom(stage: React.RefObject<HTMLElement | null>): Zoom {
  const [zoom, setZoom] = useState(WHOLE);
  const latest = useRef(zoom);
  latest.current = zoom;
  useEffect(() => {
    const element = stage.current;
    if (!element) return;
    const fingers = new Map<number, PointerEvent>();
    const wheel = (event: WheelEvent) => {
      const frame = frameOf(event);
      if (!frame) return;
      event.preventDefault();
      setZoom((known) => zoomed(known, Math.exp(-event.deltaY * WHEEL), within(frame, event), frame));
    };
    const toggle = (event: MouseEvent) => {
      const frame = frameOf(event);
      if (frame) setZoom((known) => (known.scale > 1 ? WHOLE : zoomed(known, CLOSE, within(frame, event), frame)));
    };
    const down = (event: PointerEvent) => void fingers.set(event.pointerId, event);
    const up = (event: PointerEvent) => void fingers.delete(event.pointerId);
    const move = (event: PointerEvent) => {
      const before = fingers.get(event.pointerId);
      const frame = frameOf(event);
      if (!before || !frame) return;
      const [other] = [...fingers.values()].filter((one) => one.pointerId !== event.pointerId);
      const by = { x: event.clientX - before.clientX, y: event.clientY - before.clientY };
      if (other) {
        const factor = distance(event, other) / Math.max(1, distance(before, other));
        setZoom((known) => zoomed(known, factor, within(frame, event), frame));
      } else if (latest.current.scale > 1) setZoom((known) => panned(known, by, frame));
      fingers.set(event.pointerId, event);
    };
    const key = (event: KeyboardEvent) => {
      const frame = element.querySelector("[data-zoom-frame]")?.getBoundingClientRect();
      const factor = KEYS[event.key];
      if (event.key === "0") setZoom(WHOLE);
      else if (frame && factor) setZoom((known) => zoomed(known, factor, { x: 0, y: 0 }, frame));
    };
    element.addEventListener("wheel", wheel, { passive: false }); // the page must not scroll meanwhile
    element.addEventListener("dblclick", toggle);
    element.addEventListener("pointerdown", down);
    element.addEventListener("pointermove", move);
    window.addEventListener("pointerup", up);
    window.addEventListener("pointercancel", up);
    window.addEventListener("keydown", key);
    return () => {
      element.removeEventListener("wheel", wheel);
      element.removeEventListener("dblclick", toggle);
      element.removeEventListener("pointerdown", down);
      element.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", up);
      window.removeEventListener("pointercancel", up);
      window.removeEventListener("keydown", key);
    };
  }, [stage]);
  return zoom;
}

function distance(one: PointerEvent, other: PointerEvent): number {
  return Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
}
