import { api, type Run } from "@/api/client";
import { DeleteFolderDialog } from "@/features/runs/DeleteFolderDialog";
import { t } from "@/i18n";
import { formatBytes } from "@/shared/format";

type Props = { run: Run; onClose: () => void; onDeleted?: () => void };

export default function DeleteRunDialog({ run, onClose, onDeleted }: Props) {
  const { data } = api.useQuery("get", "/api/runs/{run_id}/files", { params: { path: { run_id: run.id } } });
  const size = data?.files.reduce((sum, file) => sum + file.size, 0);
  return (
    <DeleteFolderDialog runId={run.id} title={t("runs.deleteTitle")} onClose={onClose} onDeleted={onDeleted}>
      {t("runs.deleteHint", { name: run.name })}{" "}
      {data && size !== undefined && t("runs.deleteFrees", { count: data.files.length, size: formatBytes(size) })}
    </DeleteFolderDialog>
  );
}
