import { useQueryClient } from "@tanstack/react-query";
import { api, client, type Run } from "@/api/client";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { formatBytes } from "@/shared/format";
import { notify } from "@/shared/toasts";
import { useAction } from "@/shared/useAction";
import { text } from "@/text";

type Props = { run: Run; onClose: () => void; onDeleted?: () => void };

export default function DeleteRunDialog({ run, onClose, onDeleted }: Props) {
  const queries = useQueryClient();
  const path = { params: { path: { run_id: run.id } } };
  const { data: files } = api.useQuery("get", "/api/runs/{run_id}/files", path);
  const remove = useAction(() => client.DELETE("/api/runs/{run_id}", path), {
    onDone: (deleted) => {
      notify("done", text.runs.deleted(formatBytes(deleted.freed_bytes)));
      onClose();
      onDeleted?.();
      queries.invalidateQueries({ queryKey: ["get", "/api/runs"] });
    },
  });
  const size = files?.files.reduce((sum, file) => sum + file.size, 0);
  return (
    <Dialog
      title={text.runs.deleteTitle}
      isOpen
      onClose={onClose}
      footer={
        <>
          <CurlButton
            actions={[{ label: text.runs.delete, request: { method: "DELETE", path: `/api/runs/${run.id}` } }]}
          />
          <Button onPress={onClose}>{text.common.cancel}</Button>
          <Button variant="destroy" isDisabled={remove.isPending} onPress={() => remove.mutate(undefined)}>
            {text.runs.delete}
          </Button>
        </>
      }
    >
      <p>
        {text.runs.deleteHint(run.name)}{" "}
        {files && size !== undefined && text.runs.deleteFrees(files.files.length, formatBytes(size))}
      </p>
    </Dialog>
  );
}
