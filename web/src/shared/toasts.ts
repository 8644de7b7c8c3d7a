/** Short notices in the corner: what was done, or why it could not be done. */
import { useSyncExternalStore } from "react";

export type Toast = { id: number; kind: "done" | "error" | "info"; text: string };

const SHOWN_MS = 6000;
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

/** Show a notice; errors stay until they are dismissed. */
export function notify(kind: Toast["kind"], text: string): void {
  const toast = { id: nextId++, kind, text };
  change([...toasts.slice(-2), toast]);
  if (kind !== "error") setTimeout(() => dismiss(toast.id), SHOWN_MS);
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
