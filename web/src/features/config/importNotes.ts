/** What an import could not take as it stood; shown by the editor until somebody has read it. */
import { Store, useStore } from "@/shared/store";

export type Note = { message: string };

const notes = new Store<readonly Note[]>([]);

export const setImportNotes = notes.set;

export function useImportNotes(): readonly Note[] {
  return useStore(notes);
}
