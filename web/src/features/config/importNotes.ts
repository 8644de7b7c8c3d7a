/** What an import could not take as it stood; shown by the editor until somebody has read it. */
import { useSyncExternalStore } from "react";

export type Note = { message: string };

let notes: readonly Note[] = [];
const listeners = new Set<() => void>();

export function setImportNotes(next: readonly Note[]): void {
  notes = next;
  for (const listener of listeners) listener();
}

export function useImportNotes(): readonly Note[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => notes,
  );
}
