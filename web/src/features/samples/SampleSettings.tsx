import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { type Sample, sampleImage } from "@/api/client";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlLine } from "@/shared/CurlLine";
import { formatCount, formatDateTime } from "@/shared/format";
import { Icon } from "@/shared/icons";
import { lazyDialog } from "@/shared/lazy";
import { factsOf, isOfNoStep, sampleRequest } from "@/shared/sampleGrid";
import { useRun } from "@/shared/useRun";

const CustomSampleDialog = lazyDialog(() => import("@/features/run/CustomSampleDialog"));

/** How one picture came about, and how to have it drawn again. */
export function SampleSettings({ sample }: { sample: Sample }) {
  const facts = factsOf(sample);
  const { run } = useRun(facts.runId);
  const [isDrawing, setIsDrawing] = useState(false);
  const rows: [string, React.ReactNode][] = [
    [t("samples.facts.step"), isOfNoStep(facts) ? null : formatCount(facts.globalStep)],
    [t("samples.facts.epoch"), isOfNoStep(facts) ? null : facts.epoch],
    [t("samples.facts.seed"), facts.seed],
    [t("samples.facts.steps"), facts.steps],
    [t("samples.facts.cfg"), facts.cfgScale],
    [
      t("samples.facts.size"),
      facts.width && facts.height ? t("dimensions", { width: facts.width, height: facts.height }) : null,
    ],
    [t("samples.facts.time"), formatDateTime(sample.timestamp)],
  ];
  const request = { method: "POST", path: "/api/samples/custom", body: sampleRequest(facts) } as const;
  return (
    <div className="grid gap-6">
      <div className="grid gap-1">
        <h2 className="label">{t("samples.facts.prompt")}</h2>
        <p className="break-words text-lead">{facts.prompt}</p>
        {facts.negativePrompt && (
          <p className="break-words text-dim">{t("samples.without", { prompt: facts.negativePrompt })}</p>
        )}
      </div>
      <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-2">
        {rows.map(([label, value]) =>
          value === null ? null : (
            <div key={label} className="contents">
              <dt className="text-faint">{label}</dt>
              <dd className="text-right font-medium">{value}</dd>
            </div>
          ),
        )}
      </dl>
      <div className="flex flex-wrap gap-2">
        {run && (
          <Button variant="primary" icon="spark" onPress={() => setIsDrawing(true)}>
            {t("samples.asRequest")}
          </Button>
        )}
        <a className="button" href={sampleImage(sample.id)} download={sample.path.split(/[\\/]/).at(-1)}>
          <Icon name="download" size={18} />
          {t("common.download")}
        </a>
        <Link className="button button-quiet" to="/runs/$runId" params={{ runId: facts.runId }}>
          {t("samples.toRun")}
        </Link>
      </div>
      {run && isDrawing && <CustomSampleDialog run={run} of={facts} onClose={() => setIsDrawing(false)} />}
      <CurlLine label={t("samples.asRequest")} request={request} />
    </div>
  );
}
