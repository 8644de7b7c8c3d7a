import { api, type Run } from "@/api/client";
import { DeleteFolderDialog } from "@/features/runs/DeleteFolderDialog";
import { formatBytes } from "@/shared/format";
import { text } from "@/text";

type Props = { run: Run; onClose: () => void; onDeleted?: () => void };

export default function DeleteRunDialog({ run, onClose, onDeleted }: Props) {
  const { data } = api.useQuery("get", "/api/runs/{run_id}/files", { params: { path: { run_id: run.id } } });
  const size = data?.files.reduce((sum, file) => sum + file.size, 0);
  return (
    <DeleteFolderDialog runId={run.id} title={text.runs.deleteTitle} onClose={onClose} onDeleted={onDeleted}>
      {text.runs.deleteHint(run.name)}{" "}
      {data && size !== undefined && text.runs.deleteFrees(data.files.length, formatBytes(size))}
    </DeleteFolderDialog>
  );
}
