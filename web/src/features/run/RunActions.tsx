import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { client, type Run, STOP_WITHOUT_SAVING } from "@/api/client";
import { useBackups } from "@/features/run/useBackups";
import { useEditCopy } from "@/features/runs/useEditCopy";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { type CurlAction, CurlButton } from "@/shared/Curl";
import { Icon } from "@/shared/icons";
import { lazyDialog } from "@/shared/lazy";
import { MenuButton, type MenuEntry } from "@/shared/Menu";
import { kindOf } from "@/shared/runKinds";
import { isActive, isEnded } from "@/shared/status";
import { useAction } from "@/shared/useAction";

const CustomSampleDialog = lazyDialog(() => import("@/features/run/CustomSampleDialog"));
const StopDialog = lazyDialog(() => import("@/features/run/StopDialog"));
const TrainLongerDialog = lazyDialog(() => import("@/features/runs/TrainLongerDialog"));

/** The buttons of a run: what can be asked of it now. */
export function RunActions({ run }: { run: Run }) {
  if (isActive(run.status)) return <LiveActions run={run} />;
  if (run.status === "queued") return <QueuedActions run={run} />;
  return isEnded(run.status) ? <EndedActions run={run} /> : null;
}

function LiveActions({ run }: { run: Run }) {
  const [dialog, setDialog] = useState<"stop" | "sample" | null>(null);
  const path = { params: { path: { run_id: run.id } } };
  const sample = useAction(() => client.POST("/api/runs/{run_id}/sample", { ...path, body: {} }), {
    done: t("run.asked.sample"),
  });
  const backup = useAction(() => client.POST("/api/runs/{run_id}/backup", path), { done: t("run.asked.backup") });
  const save = useAction(() => client.POST("/api/runs/{run_id}/save", path), { done: t("run.asked.save") });
  const isStopping = run.status === "stopping";
  const { isTraining } = kindOf(run);
  const root = `/api/runs/${run.id}`;
  const modelEntries: MenuEntry[] = [
    {
      id: "backup",
      label: t("run.backup"),
      icon: "backup",
      isDisabled: isStopping,
      onAction: () => backup.mutate(undefined),
    },
    { id: "save", label: t("run.save"), icon: "save", isDisabled: isStopping, onAction: () => save.mutate(undefined) },
  ];
  const modelActions: CurlAction[] = [
    { label: t("run.backup"), request: { method: "POST", path: `${root}/backup` } },
    { label: t("run.save"), request: { method: "POST", path: `${root}/save` } },
  ];
  const actions: CurlAction[] = [
    { label: t("run.stop"), request: { method: "POST", path: `${root}/stop`, body: { save: true } } },
    { label: t("run.sampleNow"), request: { method: "POST", path: `${root}/sample`, body: {} } },
    ...(isTraining ? modelActions : []),
  ];
  return (
    <>
      <Button icon="pictures" isDisabled={isStopping || sample.isPending} onPress={() => sample.mutate(undefined)}>
        {t("run.sampleNow")}
      </Button>
      <MenuButton
        label={t("run.moreActions")}
        className="button button-icon"
        entries={[
          {
            id: "custom",
            label: t("run.customSample"),
            icon: "edit",
            isDisabled: isStopping,
            onAction: () => setDialog("sample"),
          },
          ...(isTraining ? modelEntries : []),
        ]}
      >
        <Icon name="down" size={18} />
      </MenuButton>
      <Button variant="danger" icon="stop" isDisabled={isStopping} onPress={() => setDialog("stop")}>
        {isStopping ? t("status.stopping") : t("run.stop")}
      </Button>
      <CurlButton actions={actions} />
      {dialog === "stop" && <StopDialog run={run} onClose={() => setDialog(null)} />}
      {dialog === "sample" && <CustomSampleDialog run={run} onClose={() => setDialog(null)} />}
    </>
  );
}

function QueuedActions({ run }: { run: Run }) {
  const path = { params: { path: { run_id: run.id } } };
  const remove = useAction(() => client.POST("/api/runs/{run_id}/stop", { ...path, body: STOP_WITHOUT_SAVING }));
  const request = { method: "POST", path: `/api/runs/${run.id}/stop`, body: STOP_WITHOUT_SAVING } as const;
  return (
    <>
      <Link to="/" className="button">
        {t("run.showQueue")}
      </Link>
      <Button isDisabled={remove.isPending} onPress={() => remove.mutate(undefined)}>
        {t("run.leaveQueue")}
      </Button>
      <CurlButton actions={[{ label: t("run.leaveQueue"), request }]} />
    </>
  );
}

function EndedActions({ run }: { run: Run }) {
  const [dialog, setDialog] = useState<"sample" | "longer" | null>(null);
  const path = { params: { path: { run_id: run.id } } };
  const resume = useAction(() => client.POST("/api/runs/{run_id}/resume", { ...path, body: {} }), {
    done: t("run.inQueueAgain"),
  });
  const request = { method: "POST", path: `/api/runs/${run.id}/resume`, body: {} } as const;
  const canGoOn = run.status !== "completed";
  const canResume = useBackups(run)?.length !== 0;
  const edit = useEditCopy(run);
  const again = canResume ? t("runs.resume") : t("run.startAgain");
  return (
    <>
      {run.model_path && (
        <Link to="." search={{ tab: "files" }} className={`button ${canGoOn ? "" : "button-primary"}`}>
          <Icon name="download" size={18} />
          {t("run.getModel")}
        </Link>
      )}
      {run.status === "failed" && (
        <Button variant="primary" icon="tune" isDisabled={edit.isPending} onPress={() => edit.mutate(undefined)}>
          {t("runs.editCopy")}
        </Button>
      )}
      {canGoOn && (
        <>
          <Button
            variant={run.status === "failed" ? "plain" : "primary"}
            icon="resume"
            isDisabled={resume.isPending}
            onPress={() => resume.mutate(undefined)}
          >
            {again}
          </Button>
          <CurlButton actions={[{ label: again, request }]} />
        </>
      )}
      {dialog === "sample" && <CustomSampleDialog run={run} onClose={() => setDialog(null)} />}
      {dialog === "longer" && <TrainLongerDialog run={run} onClose={() => setDialog(null)} />}
      {!canGoOn && canResume && (
        <Button icon="resume" onPress={() => setDialog("longer")}>
          {t("run.longer")}
        </Button>
      )}
      {run.model_path && (
        <Button icon="pictures" onPress={() => setDialog("sample")}>
          {t("run.customSample")}
        </Button>
      )}
    </>
  );
}
