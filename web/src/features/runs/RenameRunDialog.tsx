import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client, type Run } from "@/api/client";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { TextField } from "@/shared/fields";
import { useAction } from "@/shared/useAction";
import { text } from "@/text";

export default function RenameRunDialog({ run, onClose }: { run: Run; onClose: () => void }) {
  const [name, setName] = useState(run.name);
  const queries = useQueryClient();
  const rename = useAction(
    () => client.PATCH("/api/runs/{run_id}", { params: { path: { run_id: run.id } }, body: { name } }),
    {
      onDone: () => {
        queries.invalidateQueries({ queryKey: ["get", "/api/runs"] });
        queries.invalidateQueries({ queryKey: ["get", "/api/runs/{run_id}"] });
        onClose();
      },
    },
  );
  return (
    <Dialog
      title={text.runs.renameTitle}
      isOpen
      onClose={onClose}
      footer={
        <>
          <CurlButton
            actions={[
              { label: text.runs.rename, request: { method: "PATCH", path: `/api/runs/${run.id}`, body: { name } } },
            ]}
          />
          <Button onPress={onClose}>{text.common.cancel}</Button>
          <Button
            variant="primary"
            isDisabled={!name.trim() || rename.isPending}
            onPress={() => rename.mutate(undefined)}
          >
            {text.runs.rename}
          </Button>
        </>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim()) rename.mutate(undefined);
        }}
      >
        <TextField label={text.runs.name} value={name} onChange={setName} autoFocus />
      </form>
    </Dialog>
  );
}
