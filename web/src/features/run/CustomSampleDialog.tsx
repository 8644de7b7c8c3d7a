import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { client, type Run } from "@/api/client";
import { useRunSamples } from "@/features/run/useRunSamples";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { TextField } from "@/shared/fields";
import { factsOf, type SampleFacts } from "@/shared/sampleGrid";
import { isActive } from "@/shared/status";
import { useAction } from "@/shared/useAction";

type Draft = {
  prompt: string;
  negative_prompt: string;
  seed: string;
  steps: string;
  cfg_scale: string;
  width: string;
  height: string;
};

const NUMBERS = ["seed", "steps", "cfg_scale", "width", "height"] as const;

/** In the words of the configuration, and only what was filled in; the rest has the model's defaults. */
function toSettings(draft: Draft): Record<string, unknown> {
  const settings: Record<string, unknown> = { prompt: draft.prompt };
  for (const key of NUMBERS)
    if (draft[key].trim() !== "") settings[key === "steps" ? "diffusion_steps" : key] = Number(draft[key]);
  if (draft.negative_prompt) settings.negative_prompt = draft.negative_prompt;
  return settings;
}

type Props = {
  run: Run;
  /** The sample whose settings it begins with; without one, the newest of the run. */
  of?: SampleFacts;
  onClose: () => void;
};

export default function CustomSampleDialog({ run, of, onClose }: Props) {
  const { samples } = useRunSamples(run.id);
  const newest = samples[0];
  const like = of ?? (newest && factsOf(newest));
  const [draft, setDraft] = useState<Draft>({
    prompt: like?.prompt ?? "",
    negative_prompt: like?.negativePrompt ?? "",
    seed: String(like?.seed ?? 42),
    steps: like?.steps ? String(like.steps) : "",
    cfg_scale: like?.cfgScale ? String(like.cfgScale) : "",
    width: like?.width ? String(like.width) : "",
    height: like?.height ? String(like.height) : "",
  });
  const navigate = useNavigate();
  const isLive = isActive(run.status);
  const path = `/api/runs/${run.id}/sample`;
  const body = { samples: [toSettings(draft)] };
  const draw = useAction(
    () => client.POST("/api/runs/{run_id}/sample", { params: { path: { run_id: run.id } }, body }),
    {
      done: isLive ? t("run.asked.sample") : t("run.asked.sampleOfEnded"),
      // The model is kept warm by a run of its own, whose pictures stand among those of all runs.
      onDone: ({ run_id }) => (isLive ? onClose() : navigate({ to: "/samples", search: { run: run_id } })),
    },
  );
  const set = (key: keyof Draft) => (value: string) => setDraft({ ...draft, [key]: value });
  return (
    <Dialog
      title={t("run.customSample")}
      isOpen
      onClose={onClose}
      footer={
        <>
          <CurlButton actions={[{ label: t("run.customSample"), request: { method: "POST", path, body } }]} />
          <Button onPress={onClose}>{t("common.cancel")}</Button>
          <Button
            variant="primary"
            isDisabled={!draft.prompt.trim() || draw.isPending}
            onPress={() => draw.mutate(undefined)}
          >
            {t("run.draw")}
          </Button>
        </>
      }
    >
      <p className="text-dim">{isLive ? t("run.customHint") : t("run.customHintEnded")}</p>
      <TextField label={t("samples.facts.prompt")} value={draft.prompt} onChange={set("prompt")} rows={3} autoFocus />
      <TextField
        label={t("samples.facts.negativePrompt")}
        value={draft.negative_prompt}
        onChange={set("negative_prompt")}
      />
      <div className="grid grid-cols-2 gap-4 sm:grid-cols-3">
        {NUMBERS.map((key) => (
          <TextField
            key={key}
            label={t(`samples.fields.${key}`)}
            value={draft[key]}
            onChange={set(key)}
            inputMode="decimal"
          />
        ))}
      </div>
    </Dialog>
  );
}
