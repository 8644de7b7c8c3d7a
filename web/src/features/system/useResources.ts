import { useState } from "react";
import { useLive } from "@/api/live";
import type { components } from "@/api/schema";

type Resources = components["schemas"]["Resources"];
export type Load = { time: number; cpu: number; memory: number; disk: number; gpus: number[] };

/** Ten minutes at one reading every two seconds. */
const KEPT = 300;

/** Kept while the page is open, so that a look elsewhere does not empty the chart. */
let history: Load[] = [];

export function useResources(): Load[] {
  const [shown, setShown] = useState(history);
  useLive(
    ["system"],
    (message) => {
      if (message.type !== "resources") return;
      const now = message.data as Resources;
      const load = {
        time: Date.now() / 1000,
        cpu: now.cpu_percent,
        memory: now.memory_percent,
        disk: now.disk_percent,
        gpus: now.gpu_memory.map((gpu) => gpu.reserved_percent),
      };
      history = [...history.slice(1 - KEPT), load];
      setShown(history);
    },
    () => undefined,
  );
  return shown;
}
