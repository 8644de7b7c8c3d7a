import { useState } from "react";
import { client, type Run, STOP_TIMEOUT_S } from "@/api/client";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { Switch } from "@/shared/fields";
import { useAction } from "@/shared/useAction";

export default function StopDialog({ run, onClose }: { run: Run; onClose: () => void }) {
  const [save, setSave] = useState(true);
  const body = { save, timeout_s: STOP_TIMEOUT_S };
  const stop = useAction(() => client.POST("/api/runs/{run_id}/stop", { params: { path: { run_id: run.id } }, body }), {
    onDone: onClose,
  });
  const request = { method: "POST", path: `/api/runs/${run.id}/stop`, body } as const;
  return (
    <Dialog
      title={t("run.stopTitle")}
      isOpen
      onClose={onClose}
      footer={
        <>
          <CurlButton actions={[{ label: t("run.stop"), request }]} />
          <Button onPress={onClose}>{t("run.keepTraining")}</Button>
          <Button
            variant="destroy"
            icon="stop"
            autoFocus
            isDisabled={stop.isPending}
            onPress={() => stop.mutate(undefined)}
          >
            {save ? t("run.stopAndSave") : t("run.stopWithoutSaving")}
          </Button>
        </>
      }
    >
      <p className="text-dim">{save ? t("run.stopHint") : t("run.stopWithoutSavingHint")}</p>
      <Switch label={t("run.saveFirst")} isSelected={save} onChange={setSave} />
    </Dialog>
  );
}
