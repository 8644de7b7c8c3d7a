import { useQueryClient } from "@tanstack/react-query";
import { client } from "@/api/client";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { formatBytes } from "@/shared/format";
import { notify } from "@/shared/toasts";
import { useAction } from "@/shared/useAction";

type Props = { runId: string; title: string; onClose: () => void; onDeleted?: () => void; children: React.ReactNode };

/** Asks before a folder among the runs is deleted; what goes with it stands within, as `children`. */
export function DeleteFolderDialog({ runId, title, onClose, onDeleted, children }: Props) {
  const queries = useQueryClient();
  const remove = useAction(() => client.DELETE("/api/runs/{run_id}", { params: { path: { run_id: runId } } }), {
    onDone: (deleted) => {
      notify("done", t("runs.deleted", { size: formatBytes(deleted.freed_bytes) }));
      onClose();
      onDeleted?.();
      queries.invalidateQueries({ queryKey: ["get", "/api/runs"] });
    },
  });
  return (
    <Dialog
      title={title}
      isOpen
      onClose={onClose}
      footer={
        <>
          <CurlButton
            actions={[{ label: t("runs.delete"), request: { method: "DELETE", path: `/api/runs/${runId}` } }]}
          />
          <Button onPress={onClose}>{t("common.cancel")}</Button>
          <Button variant="destroy" isDisabled={remove.isPending} onPress={() => remove.mutate(undefined)}>
            {t("runs.delete")}
          </Button>
        </>
      }
    >
      <p>{children}</p>
    </Dialog>
  );
}
