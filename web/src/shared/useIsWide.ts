import { useSyncExternalStore } from "react";

/** Below it, what stands side by side stands beneath each other; as --breakpoint-md of tokens.css. */
const WIDE = matchMedia("(min-width: 56rem)");

function subscribe(onChange: () => void): () => void {
  WIDE.addEventListener("change", onChange);
  return () => WIDE.removeEventListener("change", onChange);
}

/** Whether there is room for a table; for what CSS alone cannot lay out both ways. */
export function useIsWide(): boolean {
  return useSyncExternalStore(subscribe, () => WIDE.matches);
}
