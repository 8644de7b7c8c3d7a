import { useEffect, useRef, useState } from "react";
import { filesIn, flattened } from "@/features/datasets/dropped";

/** Whether files hover over the window, or are dropped and being listed: thousands take a moment. */
type Stage = "over" | "reading" | null;

/** Take files and folders that are dropped anywhere on the window, with the names of those that cannot be read. */
export function useFilesDrop(onFiles: (files: File[], unreadable: string[]) => void): Stage {
  const latest = useRef(onFiles);
  latest.current = onFiles;
  const [stage, setStage] = useState<Stage>(null);
  useEffect(() => {
    const over = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setStage("over");
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setStage(null);
    };
    const drop = async (event: DragEvent) => {
      if (!event.dataTransfer) return;
      event.preventDefault();
      setStage("reading");
      const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry());
      const unreadable: string[] = [];
      const files = await Promise.all(entries.map((entry) => (entry ? filesIn(entry, unreadable) : [])));
      setStage(null);
      latest.current(flattened(files.flat()), unreadable);
    };
    window.addEventListener("dragover", over);
    window.addEventListener("dragleave", leave);
    window.addEventListener("drop", drop);
    return () => {
      window.removeEventListener("dragover", over);
      window.removeEventListener("dragleave", leave);
      window.removeEventListener("drop", drop);
    };
  }, []);
  return stage;
}
