import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { client } from "@/api/client";
import type { Editor } from "@/features/config/editor";
import { Problems } from "@/features/config/Problems";
import { type IssueReport, useIssues } from "@/features/config/useIssues";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { TextField } from "@/shared/fields";
import { useAction } from "@/shared/useAction";
import { text } from "@/text";

type Props = { editor: Editor; report: IssueReport; onJump: (path: string) => void; onClose: () => void };

/** The last look before a start: the pictures and files are checked too. */
export default function StartDialog({ editor, onJump, onClose }: Props) {
  const [name, setName] = useState("");
  const report = useIssues(editor.config, true);
  const navigate = useNavigate();
  const body = { config_dict: editor.config, name: name.trim(), kind: "train" } as const;
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
