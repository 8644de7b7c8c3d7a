import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client } from "@/api/client";
import type { Editor } from "@/features/config/editor";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { TextField } from "@/shared/fields";
import { notify } from "@/shared/toasts";
import { useAction } from "@/shared/useAction";
import { text } from "@/text";

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
      title={text.config.saveAs}
      isOpen
      onClose={onClose}
      footer={
        <>
          <CurlButton actions={[{ label: text.config.saveAs, request }]} />
          <Button onPress={onClose}>{text.common.cancel}</Button>
          <Button variant="primary" isDisabled={!name.trim() || save.isPending} onPress={() => save.mutate(undefined)}>
            {text.config.saveButton}
          </Button>
        </>
      }
    >
      <TextField label={text.runs.name} value={name} onChange={setName} autoFocus help={text.config.saveHint} />
    </Dialog>
  );
}
