import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { client } from "@/api/client";
import { LIST_KEY } from "@/features/datasets/DatasetsPage";
import { forgetUploader } from "@/features/datasets/useUploader";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { formatBytes } from "@/shared/format";
import { lazyDialog } from "@/shared/lazy";
import { MenuButton } from "@/shared/Menu";
import { notify } from "@/shared/toasts";
import { errorText } from "@/shared/views";

const IN_USE = 409;
const ConvertCaptionsDialog = lazyDialog(() => import("@/features/datasets/ConvertCaptionsDialog"));
const EditCaptionsDialog = lazyDialog(() => import("@/features/datasets/EditCaptionsDialog"));

/** What is done with a data set as a whole; what is done with its files stands between, as `children`. */
export function DatasetMenu({ name, children }: { name: string; children: React.ReactNode }) {
  const [dialog, setDialog] = useState<"edit" | "convert" | "delete" | null>(null);
  const archive = `/api/datasets/${encodeURIComponent(name)}/archive`;
  return (
    <>
      <Button icon="edit" onPress={() => setDialog("edit")}>
        {t("datasets.edit")}
      </Button>
      {children}
      <MenuButton
        label={t("datasets.menu")}
        actions={[{ label: t("datasets.zip"), request: { method: "GET", path: archive } }]}
        entries={[
          { id: "convert", label: t("datasets.convert"), icon: "edit", onAction: () => setDialog("convert") },
          {
            id: "zip",
            label: t("datasets.zip"),
            icon: "download",
            onAction: () => window.location.assign(archive),
          },
          {
            id: "delete",
            label: t("datasets.delete"),
            icon: "trash",
            isDanger: true,
            onAction: () => setDialog("delete"),
          },
        ]}
      />
      {dialog === "delete" && <DeleteDatasetDialog name={name} onClose={() => setDialog(null)} />}
      {dialog === "edit" && <EditCaptionsDialog name={name} onClose={() => setDialog(null)} />}
      {dialog === "convert" && <ConvertCaptionsDialog name={name} onClose={() => setDialog(null)} />}
    </>
  );
}

function DeleteDatasetDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [needed, setNeeded] = useState("");
  const query = { force: needed !== "" };
  const remove = useMutation({
    mutationFn: async () => {
      const { data, error, response } = await client.DELETE("/api/datasets/{name}", {
        params: { path: { name }, query },
      });
      if (response.status === IN_USE) return setNeeded(errorText(error));
      if (!data) throw error;
      forgetUploader(name);
      notify("done", t("runs.deleted", { size: formatBytes(data.freed_bytes) }));
      queries.invalidateQueries({ queryKey: LIST_KEY });
      await navigate({ to: "/datasets", search: {} });
    },
    onError: (error) => notify("error", errorText(error)),
  });
  const request = { method: "DELETE", path: `/api/datasets/${encodeURIComponent(name)}` } as const;
  return (
    <Dialog
      title={t("datasets.deleteTitle")}
      isOpen
      onClose={onClose}
      footer={
        <>
          <CurlButton actions={[{ label: t("datasets.delete"), request }]} />
          <Button onPress={onClose}>{t("common.cancel")}</Button>
          <Button variant="destroy" isDisabled={remove.isPending} onPress={() => remove.mutate(undefined)}>
            {needed ? t("datasets.deleteNeeded") : t("datasets.delete")}
          </Button>
        </>
      }
    >
      <p>{t("datasets.deleteHint", { name })}</p>
      {needed && (
        <p role="alert" className="problem">
          {needed}
        </p>
      )}
    </Dialog>
  );
}
