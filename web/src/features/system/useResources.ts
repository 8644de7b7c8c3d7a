import { useQueryClient } from "@tanstack/react-query";
import { api } from "@/api/client";
import { useLive } from "@/api/live";
import type { components } from "@/api/schema";

type Reading = components["schemas"]["Reading"];

/** As many as the server keeps: ten minutes. */
const KEPT = 300;
const NONE: Reading[] = [];
const KEY = ["get", "/api/system/history", {}];

/** The load of the last minutes: what the server remembers, then what the stream brings. */
export function useResources(): Reading[] {
  const queries = useQueryClient();
  const { data, refetch } = api.useQuery("get", "/api/system/history", {}, { refetchOnMount: "always" });
  useLive(
    ["system"],
    (message) => {
      if (message.type !== "resources") return;
      const reading = { time: new Date().toISOString(), resources: message.data };
      queries.setQueryData<{ readings: Reading[] }>(KEY, (known) =>
        known ? { readings: [...known.readings.slice(1 - KEPT), reading] } : known,
      );
    },
    () => void refetch(),
  );
  return data?.readings ?? NONE;
}
