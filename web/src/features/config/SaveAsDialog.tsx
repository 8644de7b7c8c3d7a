import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client } from "@/api/client";
import type { Editor } from "@/features/config/editor";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { TextField } from "@/shared/fields";
import { notify } from "@/shared/toasts";
import { useAction } from "@/shared/useAction";

export default function SaveAsDialog({ editor, onClose }: { editor: Editor; onClose: () => void }) {
  const [name, setName] = useState("");
  const queries = useQueryClient();
  const save = useAction(
    () =>
      client.POST("/api/config/save/{config_name}", {
        params: { path: { config_name: name.trim() } },
        body: editor.config,
      }),
    {
      onDone: (saved) => {
        notify("done", saved.message);
        queries.invalidateQueries({ queryKey: ["get", "/api/config/list"] });
        onClose();
      },
    },
  );
  const request = {
    method: "POST",
    path: `/api/config/save/${encodeURIComponent(name.trim())}`,
    body: editor.config,
  } as const;
  return (
    <Dialog
      title={t("config.saveAs")}
      isOpen
      onClose={onClose}
      footer={
        <>
          <CurlButton actions={[{ label: t("config.saveAs"), request }]} />
          <Button onPress={onClose}>{t("common.cancel")}</Button>
          <Button variant="primary" isDisabled={!name.trim() || save.isPending} onPress={() => save.mutate(undefined)}>
            {t("config.saveButton")}
          </Button>
        </>
      }
    >
      <TextField label={t("runs.name")} value={name} onChange={setName} autoFocus help={t("config.saveHint")} />
    </Dialog>
  );
}
