import { useEffect, useRef, useState } from "react";
import { filesIn, flattened } from "@/features/datasets/dropped";

/** Take files and folders that are dropped anywhere on the window; true while some hover over it. */
export function useFilesDrop(onFiles: (files: File[]) => void): boolean {
  const latest = useRef(onFiles);
  latest.current = onFiles;
  const [isDragging, setIsDragging] = useState(false);
  useEffect(() => {
    const over = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setIsDragging(true);
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setIsDragging(false);
    };
    const drop = async (event: DragEvent) => {
      if (!event.dataTransfer) return;
      event.preventDefault();
      setIsDragging(false);
      const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry());
      const files = await Promise.all(entries.map((entry) => (entry ? filesIn(entry) : [])));
      latest.current(flattened(files.flat()));
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
  return isDragging;
}
