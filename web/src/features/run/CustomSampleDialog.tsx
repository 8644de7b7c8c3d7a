import { useState } from "react";
import { client, type Run } from "@/api/client";
import { useRunSamples } from "@/features/run/useRunSamples";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { TextField } from "@/shared/fields";
import { factsOf } from "@/shared/sampleGrid";
import { isActive } from "@/shared/status";
import { useAction } from "@/shared/useAction";
import { text } from "@/text";

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

/** Only what was filled in is sent; the rest has the model's defaults. */
export function toRequest(draft: Draft): Record<string, unknown> & { prompt: string } {
  const given: Record<string, unknown> = {};
  for (const key of NUMBERS) if (draft[key].trim() !== "") given[key] = Number(draft[key]);
  if (draft.negative_prompt) given.negative_prompt = draft.negative_prompt;
  return { prompt: draft.prompt, ...given };
}

/** In the words of the configuration, which is what a run is told. */
function toSettings(draft: Draft): Record<string, unknown> {
  const { steps, ...rest } = toRequest(draft);
  return steps === undefined ? rest : { ...rest, diffusion_steps: steps };
}

export default function CustomSampleDialog({ run, onClose }: { run: Run; onClose: () => void }) {
  const { samples } = useRunSamples(run.id);
  const newest = samples[0];
  const like = newest && factsOf(newest);
  const [draft, setDraft] = useState<Draft>({
    prompt: like?.prompt ?? "",
    negative_prompt: like?.negativePrompt ?? "",
    seed: String(like?.seed ?? 42),
    steps: like?.steps ? String(like.steps) : "",
    cfg_scale: like?.cfgScale ? String(like.cfgScale) : "",
    width: like?.width ? String(like.width) : "",
    height: like?.height ? String(like.height) : "",
  });
  const isLive = isActive(run.status);
  const path = isLive ? `/api/runs/${run.id}/sample` : "/api/samples/custom";
  const body = isLive ? { samples: [toSettings(draft)] } : toRequest(draft);
  const draw = useAction(
    async (): Promise<{ data?: unknown; error?: unknown }> =>
      isLive
        ? client.POST("/api/runs/{run_id}/sample", {
            params: { path: { run_id: run.id } },
            body: { samples: [toSettings(draft)] },
          })
        : client.POST("/api/samples/custom", { body: toRequest(draft) as never }),
    { done: text.run.asked.sample, onDone: onClose },
  );
  const set = (key: keyof Draft) => (value: string) => setDraft({ ...draft, [key]: value });
  return (
    <Dialog
      title={text.run.customSample}
      isOpen
      onClose={onClose}
      footer={
        <>
          <CurlButton actions={[{ label: text.run.customSample, request: { method: "POST", path, body } }]} />
          <Button onPress={onClose}>{text.common.cancel}</Button>
          <Button
            variant="primary"
            isDisabled={!draft.prompt.trim() || draw.isPending}
            onPress={() => draw.mutate(undefined)}
          >
            {text.run.draw}
          </Button>
        </>
      }
    >
      <p className="text-dim">{isLive ? text.run.customHint : text.run.customHintEnded}</p>
      <TextField label={text.samples.facts.prompt} value={draft.prompt} onChange={set("prompt")} rows={3} autoFocus />
      <TextField
        label={text.samples.facts.negativePrompt}
        value={draft.negative_prompt}
        onChange={set("negative_prompt")}
      />
      <div className="grid grid-cols-2 gap-4 sm:grid-cols-3">
        {NUMBERS.map((key) => (
          <TextField
            key={key}
            label={text.samples.fields[key]}
            value={draft[key]}
            onChange={set(key)}
            inputMode="decimal"
          />
        ))}
      </div>
    </Dialog>
  );
}
