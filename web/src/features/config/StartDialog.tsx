import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, client } from "@/api/client";
import type { Editor } from "@/features/config/editor";
import { Problems } from "@/features/config/Problems";
import { type Engine, type IssueReport, useIssues } from "@/features/config/useIssues";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { SelectField, TextField } from "@/shared/fields";
import { useAction } from "@/shared/useAction";
import { useRun } from "@/shared/useRun";
import { text } from "@/text";

type Props = { editor: Editor; report: IssueReport; onJump: (path: string) => void; onClose: () => void };

/** The last look before a start: the pictures and files are checked too. */
export default function StartDialog({ editor, onJump, onClose }: Props) {
  const [name, setName] = useState("");
  const [engine, setEngine] = useState<Engine>();
  const { data: machine } = api.useQuery("get", "/api/system/info");
  const hasOneTrainer = machine?.onetrainer?.missing === "";
  const report = useIssues(editor.config, true, engine);
  const navigate = useNavigate();
  const parent = useRun(editor.snapshot().parent);
  const body = {
    config_dict: editor.config,
    name: name.trim(),
    kind: "train",
    ...(engine && { engine }),
    ...(parent.run && { parent: parent.run.id }),
  } as const;
  const start = useAction(
    async () => {
      await editor.flush();
      return client.POST("/api/runs", { body });
    },
    { onDone: (run) => navigate({ to: "/runs/$runId", params: { runId: run.id } }) },
  );
  return (
    <Dialog
      title={text.config.startTitle}
      isOpen
      onClose={onClose}
      footer={
        <>
          <CurlButton actions={[{ label: text.config.start, request: { method: "POST", path: "/api/runs", body } }]} />
          <Button onPress={onClose}>{text.common.cancel}</Button>
          <Button
            variant="primary"
            icon="play"
            isDisabled={start.isPending || report.numErrors > 0}
            onPress={() => start.mutate(undefined)}
          >
            {text.config.start}
          </Button>
        </>
      }
    >
      <TextField
        label={text.runs.name}
        value={name}
        onChange={setName}
        placeholder={text.config.namePlaceholder}
        autoFocus
      />
      {hasOneTrainer && (
        <SelectField
          label={text.config.engine}
          value={engine ?? ""}
          options={text.config.engines}
          onChange={(value) => setEngine((value || undefined) as Engine | undefined)}
        />
      )}
      {parent.run && <p className="text-dim text-small">{text.run.madeFrom(parent.run.name)}</p>}
      <Problems
        report={report}
        onJump={(path) => {
          onClose();
          onJump(path);
        }}
      />
    </Dialog>
  );
}
