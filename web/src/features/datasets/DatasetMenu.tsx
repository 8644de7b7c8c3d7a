import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { client } from "@/api/client";
import { LIST_KEY } from "@/features/datasets/DatasetsPage";
import { forgetUploader } from "@/features/datasets/useUploader";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { formatBytes } from "@/shared/format";
import { MenuButton } from "@/shared/Menu";
import { notify } from "@/shared/toasts";
import { useAction } from "@/shared/useAction";
import { text } from "@/text";

const EditCaptionsDialog = lazy(() => import("@/features/datasets/EditCaptionsDialog"));

/** What is done with a data set as a whole; what is done with its files stands between, as `children`. */
export function DatasetMenu({ name, children }: { name: string; children: React.ReactNode }) {
  const [dialog, setDialog] = useState<"edit" | "delete" | null>(null);
  const archive = `/api/datasets/${encodeURIComponent(name)}/archive`;
  return (
    <>
      <Button icon="edit" onPress={() => setDialog("edit")}>
        {text.datasets.edit}
      </Button>
      {children}
      <MenuButton
        label={text.datasets.menu}
        actions={[{ label: text.datasets.zip, request: { method: "GET", path: archive } }]}
        entries={[
          {
            id: "zip",
            label: text.datasets.zip,
            icon: "download",
            onAction: () => window.location.assign(archive),
          },
          {
            id: "delete",
            label: text.datasets.delete,
            icon: "trash",
            isDanger: true,
            onAction: () => setDialog("delete"),
          },
        ]}
      />
      {dialog === "delete" && <DeleteDatasetDialog name={name} onClose={() => setDialog(null)} />}
      <Suspense>{dialog === "edit" && <EditCaptionsDialog name={name} onClose={() => setDialog(null)} />}</Suspense>
    </>
  );
}

function DeleteDatasetDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const remove = useAction(() => client.DELETE("/api/datasets/{name}", { params: { path: { name } } }), {
    onDone: (deleted) => {
      forgetUploader(name);
      notify("done", text.runs.deleted(formatBytes(deleted.freed_bytes)));
      queries.invalidateQueries({ queryKey: LIST_KEY });
      navigate({ to: "/datasets", search: {} });
    },
  });
  const request = { method: "DELETE", path: `/api/datasets/${encodeURIComponent(name)}` } as const;
  return (
    <Dialog
      title={text.datasets.deleteTitle}
      isOpen
      onClose={onClose}
      footer={
        <>
          <CurlButton actions={[{ label: text.datasets.delete, request }]} />
          <Button onPress={onClose}>{text.common.cancel}</Button>
          <Button variant="destroy" isDisabled={remove.isPending} onPress={() => remove.mutate(undefined)}>
            {text.datasets.delete}
          </Button>
        </>
      }
    >
      <p>{text.datasets.deleteHint(name)}</p>
    </Dialog>
  );
}
