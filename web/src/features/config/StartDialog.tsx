import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, client } from "@/api/client";
import type { Request } from "@/api/curl";
import { Devices } from "@/features/config/Devices";
import type { Editor } from "@/features/config/editor";
import { Problems } from "@/features/config/Problems";
import { type Trial, trialProblem, variedBy } from "@/features/config/trials";
import { type Engine, type IssueReport, useIssues } from "@/features/config/useIssues";
import { Variants } from "@/features/config/Variants";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { TextField } from "@/shared/fields";
import { SelectField } from "@/shared/SelectField";
import { notify } from "@/shared/toasts";
import { useAction } from "@/shared/useAction";
import { useRun } from "@/shared/useRun";

type Props = { editor: Editor; report: IssueReport; onJump: (path: string) => void; onClose: () => void };

/** The last look before a start: the pictures and files are checked too. */
export default function StartDialog({ editor, onJump, onClose }: Props) {
  const [name, setName] = useState("");
  const [trials, setTrials] = useState<Trial[]>([]);
  const [engine, setEngine] = useState<Engine>();
  const { data: machine } = api.useQuery("get", "/api/system/info");
  const hasOneTrainer = machine?.onetrainer?.missing === "";
  const gpus = machine?.gpu.devices ?? [];
  const isChoice = gpus.length > 1 && String(editor.config.train_device).startsWith("cuda");
  const report = useIssues(editor.config, true, engine);
  const navigate = useNavigate();
  const parent = useRun(editor.snapshot().parent);
  const wanted = {
    config_dict: editor.config,
    name: name.trim(),
    ...(engine && { engine }),
    ...(parent.run && { parent: parent.run.id }),
  };
  const body = { ...wanted, kind: "train" } as const;
  const start = useAction(
    async () => {
      await editor.flush();
      return client.POST("/api/runs", { body });
    },
    { onDone: (run) => navigate({ to: "/runs/$runId", params: { runId: run.id } }) },
  );
  const { data: catalogue } = api.useQuery("get", "/api/config/fields");
  const areValues = trials.every(
    (trial) =>
      !trialProblem(
        trial,
        catalogue?.fields.find((field) => field.path === trial.path),
      ),
  );
  const variants = { ...wanted, vary: variedBy(trials) };
  const count = Object.values(variants.vary).reduce((product, values) => product * values.length, 1);
  const startAll = useAction(
    async () => {
      await editor.flush();
      return client.POST("/api/runs/variants", { body: variants });
    },
    {
      onDone: ({ notes }) => {
        for (const note of notes) notify("done", note.message);
        navigate({ to: "/", search: { search: body.name || undefined } });
      },
    },
  );
  const request: Request = trials.length
    ? { method: "POST", path: "/api/runs/variants", body: variants }
    : { method: "POST", path: "/api/runs", body };
  const label = trials.length ? t("variants.start", { count }) : t("config.start");
  return (
    <Dialog
      title={t("config.startTitle")}
      isOpen
      onClose={onClose}
      footer={
        <>
          <CurlButton actions={[{ label, request }]} />
          <Button onPress={onClose}>{t("common.cancel")}</Button>
          <Button
            variant="primary"
            icon="play"
            isDisabled={start.isPending || startAll.isPending || report.numErrors > 0 || count === 0 || !areValues}
            onPress={() => (trials.length ? startAll : start).mutate(undefined)}
          >
            {label}
          </Button>
        </>
      }
    >
      <TextField
        label={t("runs.name")}
        value={name}
        onChange={setName}
        placeholder={t("config.namePlaceholder")}
        autoFocus
      />
      {hasOneTrainer && (
        <SelectField
          label={t("config.engine")}
          value={engine ?? ""}
          options={[
            { value: "", label: t("config.engines.automatic") },
            { value: "native", label: t("config.engines.native") },
            { value: "onetrainer", label: t("config.engines.onetrainer") },
          ]}
          onChange={(value) => setEngine((value || undefined) as Engine | undefined)}
        />
      )}
      {isChoice && <Devices editor={editor} gpus={gpus} />}
      <details open={trials.length > 0}>
        <summary className="cursor-pointer font-medium">{t("variants.title")}</summary>
        <p className="py-2 text-dim text-small">{t("variants.hint")}</p>
        <Variants config={editor.config} trials={trials} onChange={setTrials} />
      </details>
      {parent.run && <p className="text-dim text-small">{t("run.madeFrom", { name: parent.run.name })}</p>}
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
