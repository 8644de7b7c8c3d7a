import { useNavigate } from "@tanstack/react-router";
import { client, type Run } from "@/api/client";
import { bringConfig } from "@/features/config/current";
import { useAction } from "@/shared/useAction";

async function readConfig(run: Run): Promise<Record<string, unknown>> {
  const { data, error } = await client.GET("/api/runs/{run_id}/config", { params: { path: { run_id: run.id } } });
  if (error !== undefined) throw error;
  return data;
}

/** Open the editor on a copy of what the run was made with. */
export function useEditCopy(run: Run) {
  const navigate = useNavigate();
  return useAction(async () => bringConfig(await readConfig(run), { parent: run.id }), {
    onDone: () => navigate({ to: "/configure" }),
  });
}
