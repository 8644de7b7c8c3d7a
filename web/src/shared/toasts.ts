/** Short notices in the corner: what was done, or why it could not be done. */
import { Store, useStore } from "@/shared/store";

type Action = { label: string; onPress: () => void };
export type Toast = { id: number; kind: "done" | "error" | "info"; text: string; action?: Action };

const SHOWN_MS = 6000;
/** Long enough to look at what came of it first. */
const SHOWN_WITH_ACTION_MS = 20_000;
const toasts = new Store<readonly Toast[]>([]);
let nextId = 1;

export function dismiss(id: number): void {
  toasts.set(toasts.get().filter((toast) => toast.id !== id));
}

/** Show a notice, with a button that acts on it if need be; errors stay until they are dismissed. */
export function notify(kind: Toast["kind"], text: string, action?: Action): void {
  const toast: Toast = { id: nextId++, kind, text, ...(action && { action }) };
  toasts.set([...toasts.get().slice(-2), toast]);
  if (kind !== "error") setTimeout(() => dismiss(toast.id), action ? SHOWN_WITH_ACTION_MS : SHOWN_MS);
}

export function useToasts(): readonly Toast[] {
  return useStore(toasts);
}
