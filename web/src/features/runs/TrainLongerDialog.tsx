import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { client, type Run } from "@/api/client";
import { useBackups } from "@/features/run/useBackups";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { TextField } from "@/shared/fields";
import { useAction } from "@/shared/useAction";

/** How many epochs a completed run shall have in all; it goes on from its newest backup. */
export default function TrainLongerDialog({ run, onClose }: { run: Run; onClose: () => void }) {
  const [entered, setEntered] = useState(String(2 * run.max_epoch));
  const navigate = useNavigate();
  const queries = useQueryClient();
  const backups = useBackups(run);
  const epochs = /^\d+$/.test(entered) ? Number(entered) : 0;
  const isLonger = epochs > run.max_epoch;
  const body = { epochs };
  const resume = useAction(
    () => client.POST("/api/runs/{run_id}/resume", { params: { path: { run_id: run.id } }, body }),
    {
      done: t("run.inQueueAgain"),
      onDone: () => {
        queries.invalidateQueries({ queryKey: ["get", "/api/runs/{run_id}/config"] });
        onClose();
        navigate({ to: "/runs/$runId", params: { runId: run.id } });
      },
    },
  );
  const canStart = isLonger && !resume.isPending && Boolean(backups?.length);
  return (
    <Dialog
      title={t("run.longerTitle")}
      isOpen
      onClose={onClose}
      footer={
        <>
          <CurlButton
            actions={[
              { label: t("run.longer"), request: { method: "POST", path: `/api/runs/${run.id}/resume`, body } },
            ]}
          />
          <Button onPress={onClose}>{t("common.cancel")}</Button>
          <Button variant="primary" icon="resume" isDisabled={!canStart} onPress={() => resume.mutate(undefined)}>
            {t("run.longer")}
          </Button>
        </>
      }
    >
      <p className="text-dim">{backups?.length === 0 ? t("run.longerWithoutBackup") : t("run.longerHint")}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (canStart) resume.mutate(undefined);
        }}
      >
        <TextField
          label={t("run.longerEpochs")}
          value={entered}
          onChange={setEntered}
          inputMode="numeric"
          problem={isLonger ? undefined : t("run.longerThan", { epochs: run.max_epoch })}
          autoFocus
        />
      </form>
    </Dialog>
  );
}
