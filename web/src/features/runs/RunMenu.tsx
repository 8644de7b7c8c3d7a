import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { client, type Run } from "@/api/client";
import { useEditCopy } from "@/features/runs/useEditCopy";
import { t } from "@/i18n";
import type { CurlAction } from "@/shared/Curl";
import { lazyDialog } from "@/shared/lazy";
import { MenuButton, type MenuEntry } from "@/shared/Menu";
import { isActive, isEnded } from "@/shared/status";
import { useAction } from "@/shared/useAction";

const DeleteRunsDialog = lazyDialog(() => import("@/features/runs/DeleteRunsDialog"));
const DescribeRunsDialog = lazyDialog(() => import("@/features/runs/DescribeRunsDialog"));
const RenameRunDialog = lazyDialog(() => import("@/features/runs/RenameRunDialog"));
const TrainLongerDialog = lazyDialog(() => import("@/features/runs/TrainLongerDialog"));

/** What can be done with a run as a whole, from the list and from its own page. */
export function RunMenu({ run, onDeleted }: { run: Run; onDeleted?: () => void }) {
  const [dialog, setDialog] = useState<"rename" | "describe" | "longer" | "delete" | null>(null);
  const navigate = useNavigate();
  const path = { params: { path: { run_id: run.id } } };
  const resume = useAction(() => client.POST("/api/runs/{run_id}/resume", { ...path, body: {} }), {
    done: t("run.inQueueAgain"),
    onDone: () => navigate({ to: "/runs/$runId", params: { runId: run.id } }),
  });
  const clone = useAction(() => client.POST("/api/runs", { body: cloneOf(run) }), {
    onDone: (copy) => navigate({ to: "/runs/$runId", params: { runId: copy.id } }),
  });
  const edit = useEditCopy(run);
  const entries: MenuEntry[] = [
    { id: "rename", label: t("runs.rename"), icon: "edit", onAction: () => setDialog("rename") },
    { id: "describe", label: t("runs.describe"), icon: "filter", onAction: () => setDialog("describe") },
    { id: "clone", label: t("runs.clone"), icon: "copy", onAction: () => clone.mutate(undefined) },
    { id: "edit", label: t("runs.editCopy"), icon: "tune", onAction: () => edit.mutate(undefined) },
    run.status === "completed"
      ? { id: "longer", label: t("run.longer"), icon: "resume", onAction: () => setDialog("longer") }
      : {
          id: "resume",
          label: t("runs.resume"),
          icon: "resume",
          isDisabled: !isEnded(run.status),
          onAction: () => resume.mutate(undefined),
        },
    {
      id: "compare",
      label: t("runs.compare"),
      icon: "compare",
      onAction: () => navigate({ to: "/compare", search: { runs: run.id } }),
    },
    {
      id: "delete",
      label: t("runs.delete"),
      icon: "trash",
      isDanger: true,
      isDisabled: isActive(run.status),
      onAction: () => setDialog("delete"),
    },
  ];
  return (
    <>
      <MenuButton label={t("runs.menu", { name: run.name })} entries={entries} actions={actionsOf(run)} />
      {dialog === "rename" && <RenameRunDialog run={run} onClose={() => setDialog(null)} />}
      {dialog === "describe" && <DescribeRunsDialog runs={[run]} onClose={() => setDialog(null)} />}
      {dialog === "longer" && <TrainLongerDialog run={run} onClose={() => setDialog(null)} />}
      {dialog === "delete" && <DeleteRunsDialog runs={[run]} onClose={() => setDialog(null)} onDeleted={onDeleted} />}
    </>
  );
}

function actionsOf(run: Run): CurlAction[] {
  const path = `/api/runs/${run.id}`;
  return [
    { label: t("runs.rename"), request: { method: "PATCH", path, body: { name: run.name } } },
    { label: t("runs.clone"), request: { method: "POST", path: "/api/runs", body: cloneOf(run) } },
    { label: t("runs.readConfig"), request: { method: "GET", path: `${path}/config` } },
    { label: t("runs.resume"), request: { method: "POST", path: `${path}/resume`, body: {} } },
    { label: t("runs.delete"), request: { method: "DELETE", path } },
  ];
}

function cloneOf(run: Run) {
  return { parent: run.id, name: t("runs.cloneName", { name: run.name }), kind: "train" } as const;
}
