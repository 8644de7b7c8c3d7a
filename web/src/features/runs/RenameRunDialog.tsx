import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client, type Run } from "@/api/client";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { TextField } from "@/shared/fields";
import { useAction } from "@/shared/useAction";

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
      title={t("runs.renameTitle")}
      isOpen
      onClose={onClose}
      footer={
        <>
          <CurlButton
            actions={[
              { label: t("runs.rename"), request: { method: "PATCH", path: `/api/runs/${run.id}`, body: { name } } },
            ]}
          />
          <Button onPress={onClose}>{t("common.cancel")}</Button>
          <Button
            variant="primary"
            isDisabled={!name.trim() || rename.isPending}
            onPress={() => rename.mutate(undefined)}
          >
            {t("runs.rename")}
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
        <TextField label={t("runs.name")} value={name} onChange={setName} autoFocus />
      </form>
    </Dialog>
  );
}
