import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client, type Run } from "@/api/client";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { TextField } from "@/shared/fields";
import { listed } from "@/shared/format";
import { useAction } from "@/shared/useAction";

/** The tags that all of the runs have. */
function sharedTags(runs: readonly Run[]): string[] {
  const [first, ...others] = runs;
  return (first?.tags ?? []).filter((tag) => others.every((run) => run.tags?.includes(tag)));
}

function split(entered: string): string[] {
  const tags = entered.split(",").map((tag) => tag.trim());
  return [...new Set(tags.filter(Boolean))];
}

/** Tags of some runs, each of which keeps those that the others do not have; of a single one its note, too. */
export default function DescribeRunsDialog({ runs, onClose }: { runs: Run[]; onClose: () => void }) {
  const shared = sharedTags(runs);
  const [only] = runs.length === 1 ? runs : [];
  const [entered, setEntered] = useState(shared.join(", "));
  const [note, setNote] = useState(only?.note ?? "");
  const queries = useQueryClient();
  const bodyOf = (run: Run) => ({
    tags: [
      ...split(entered),
      ...(run.tags ?? []).filter((tag) => !shared.includes(tag) && !split(entered).includes(tag)),
    ],
    ...(only && { note }),
  });
  const write = useAction(
    async () => {
      for (const run of runs) {
        const params = { path: { run_id: run.id } };
        const { error } = await client.PATCH("/api/runs/{run_id}", { params, body: bodyOf(run) });
        if (error !== undefined) return { error };
      }
      return { data: runs };
    },
    {
      onDone: () => {
        queries.invalidateQueries({ queryKey: ["get", "/api/runs"] });
        onClose();
      },
    },
  );
  return (
    <Dialog
      title={t("runs.describe")}
      isOpen
      onClose={onClose}
      footer={
        <>
          <CurlButton
            actions={runs.slice(0, 3).map((run) => ({
              label: run.name,
              request: { method: "PATCH", path: `/api/runs/${run.id}`, body: bodyOf(run) },
            }))}
          />
          <Button onPress={onClose}>{t("common.cancel")}</Button>
          <Button variant="primary" isDisabled={write.isPending} onPress={() => write.mutate(undefined)}>
            {t("runs.describeSave")}
          </Button>
        </>
      }
    >
      <p className="text-dim">{listed(runs.map((run) => run.name))}</p>
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          write.mutate(undefined);
        }}
      >
        <TextField label={t("runs.tags")} help={t("runs.tagsHint")} value={entered} onChange={setEntered} autoFocus />
        {only && <TextField label={t("runs.columns.note")} value={note} onChange={setNote} rows={3} />}
      </form>
    </Dialog>
  );
}
