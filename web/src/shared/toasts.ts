/** Short notices in the corner: what was done, or why it could not be done. */
import { useSyncExternalStore } from "react";

type Action = { label: string; onPress: () => void };
export type Toast = { id: number; kind: "done" | "error" | "info"; text: string; action?: Action };

const SHOWN_MS = 6000;
/** Long enough to look at what came of it first. */
const SHOWN_WITH_ACTION_MS = 20_000;
let toasts: readonly Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function change(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

export function dismiss(id: number): void {
  change(toasts.filter((toast) => toast.id !== id));
}

/** Show a notice, with a button that acts on it if need be; errors stay until they are dismissed. */
export function notify(kind: Toast["kind"], text: string, action?: Action): void {
  const toast: Toast = { id: nextId++, kind, text, ...(action && { action }) };
  change([...toasts.slice(-2), toast]);
  if (kind !== "error") setTimeout(() => dismiss(toast.id), action ? SHOWN_WITH_ACTION_MS : SHOWN_MS);
}

export function useToasts(): readonly Toast[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
}
