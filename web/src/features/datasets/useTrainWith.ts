import { useNavigate } from "@tanstack/react-router";
import { client } from "@/api/client";
import { useAction } from "@/shared/useAction";

type Concept = { path?: unknown };

/** Make a data set a concept of the configuration, unless it is one, and go on with that. */
export function useTrainWith(name: string) {
  const navigate = useNavigate();
  const path = `datasets/${name}`;
  return useAction(
    async () => {
      const current = await client.GET("/api/config/current");
      if (current.error !== undefined) return current;
      const { concepts } = current.data.config as { concepts?: Concept[] | null };
      if (concepts?.some((one) => one.path === path)) return current;
      const config = { ...current.data.config, concepts: [...(concepts ?? []), { name, path }] };
      return client.PUT("/api/config/current", { body: config });
    },
    { onDone: () => navigate({ to: "/configure", search: { tab: "concepts" } }) },
  );
}
