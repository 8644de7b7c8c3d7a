import { useQueries, useQueryClient } from "@tanstack/react-query";
import { client, type Run } from "@/api/client";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { formatBytes, listed } from "@/shared/format";
import { notify } from "@/shared/toasts";
import { useAction } from "@/shared/useAction";

type Props = { runs: Run[]; onClose: () => void; onDeleted?: () => void };

async function sizeOf(runId: string): Promise<{ count: number; size: number }> {
  const params = { path: { run_id: runId }, query: { limit: 10_000 } };
  const { data, error } = await client.GET("/api/runs/{run_id}/files", { params });
  if (error !== undefined) throw error;
  return { count: data.total, size: data.files.reduce((sum, file) => sum + file.size, 0) };
}

/** Asks before runs go with all that is theirs, and says what that frees. */
export default function DeleteRunsDialog({ runs, onClose, onDeleted }: Props) {
  const queries = useQueryClient();
  const sizes = useQueries({
    queries: runs.map((run) => ({ queryKey: ["run-size", run.id], queryFn: () => sizeOf(run.id), gcTime: 0 })),
  });
  const known = sizes.flatMap(({ data }) => data ?? []);
  const remove = useAction(
    async () => {
      let freed = 0;
      for (const run of runs) {
        const { data, error } = await client.DELETE("/api/runs/{run_id}", { params: { path: { run_id: run.id } } });
        if (error !== undefined) return { error };
        freed += data.freed_bytes;
      }
      return { data: freed };
    },
    {
      onDone: (freed) => {
        notify("done", t("runs.deleted", { size: formatBytes(freed) }));
        onClose();
        onDeleted?.();
      },
    },
  );
  return (
    <Dialog
      title={t("runs.deleteTitle", { count: runs.length })}
      isOpen
      onClose={onClose}
      footer={
        <>
          <CurlButton
            actions={runs.slice(0, 3).map((run) => ({
              label: run.name,
              request: { method: "DELETE", path: `/api/runs/${run.id}` },
            }))}
          />
          <Button onPress={onClose}>{t("common.cancel")}</Button>
          <Button
            variant="destroy"
            isDisabled={remove.isPending}
            onPress={() =>
              remove.mutate(undefined, {
                onSettled: () => queries.invalidateQueries({ queryKey: ["get", "/api/runs"] }),
              })
            }
          >
            {t("runs.delete")}
          </Button>
        </>
      }
    >
      <p>
        {t("runs.deleteHint", {
          names: listed(runs.map((run) => t("runs.quoted", { name: run.name }))),
          count: runs.length,
        })}{" "}
        {known.length === runs.length &&
          t("runs.deleteFrees", {
            count: known.reduce((sum, one) => sum + one.count, 0),
            size: formatBytes(known.reduce((sum, one) => sum + one.size, 0)),
          })}
      </p>
    </Dialog>
  );
}
