import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import type { Run } from "@/api/client";
import { t } from "@/i18n";
import { Button, IconButton } from "@/shared/Button";
import { lazyDialog } from "@/shared/lazy";
import { isActive } from "@/shared/status";

const DeleteRunsDialog = lazyDialog(() => import("@/features/runs/DeleteRunsDialog"));
const DescribeRunsDialog = lazyDialog(() => import("@/features/runs/DescribeRunsDialog"));

/** As many as stand beside each other. */
const MOST_COMPARED = 6;

/** What can be done with several runs at once; always in sight while some are selected. */
export function SelectionBar({ runs, onClear }: { runs: Run[]; onClear: () => void }) {
  const [dialog, setDialog] = useState<"describe" | "delete" | null>(null);
  const navigate = useNavigate();
  if (runs.length === 0) return null;
  const ids = runs.map((run) => run.id);
  return (
    <section aria-label={t("runs.selection")} className="selection-bar">
      <p role="status" className="font-medium">
        {t("runs.selected", { count: runs.length })}
      </p>
      <Button
        icon="compare"
        isDisabled={runs.length < 2 || runs.length > MOST_COMPARED}
        onPress={() => navigate({ to: "/compare", search: { runs: ids.join(",") } })}
      >
        {t("runs.compare")}
      </Button>
      <Button icon="edit" onPress={() => setDialog("describe")}>
        {t("runs.describe")}
      </Button>
      <Button icon="trash" variant="danger" isDisabled={runs.some(goesOn)} onPress={() => setDialog("delete")}>
        {t("runs.delete")}
      </Button>
      <IconButton icon="close" label={t("runs.selectNone")} onPress={onClear} />
      {dialog === "describe" && <DescribeRunsDialog runs={runs} onClose={() => setDialog(null)} />}
      {dialog === "delete" && <DeleteRunsDialog runs={runs} onClose={() => setDialog(null)} onDeleted={onClear} />}
    </section>
  );
}

function goesOn(run: Run): boolean {
  return isActive(run.status);
}
