import { useEffect } from "react";
import type { Editor } from "@/features/config/editor";

/** Ctrl+Z and Ctrl+Shift+Z (or Ctrl+Y) step through the changes; inside a text field they are the browser's own. */
export function useUndoKeys(editor: Editor): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const key = event.key.toLowerCase();
      const isElsewhere = (event.target as HTMLElement).closest("input, textarea, [role=dialog]");
      if (!(event.ctrlKey || event.metaKey) || event.altKey || isElsewhere || (key !== "z" && key !== "y")) return;
      event.preventDefault();
      if (key === "y" || event.shiftKey) editor.redo();
      else editor.undo();
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, [editor]);
}
