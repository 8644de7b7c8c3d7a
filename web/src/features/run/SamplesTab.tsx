import { useState } from "react";
import { type Run, runArchive } from "@/api/client";
import { useRunSamples } from "@/features/run/useRunSamples";
import { SampleWall } from "@/features/samples/SampleWall";
import { t } from "@/i18n";
import { CurlButton } from "@/shared/Curl";
import { Icon } from "@/shared/icons";
import { Segmented } from "@/shared/Segmented";
import { isEnded } from "@/shared/status";
import { Empty, Loading } from "@/shared/views";

const SIZES = { small: 96, medium: 160, large: 256 } as const;

export default function SamplesTab({ run }: { run: Run }) {
  const { samples, isPending } = useRunSamples(run.id);
  const [size, setSize] = useState<keyof typeof SIZES>("medium");
  const archive = runArchive(run.id, "samples");
  if (isPending) return <Loading />;
  if (samples.length === 0)
    return <Empty icon="pictures" title={isEnded(run.status) ? t("samples.none") : t("samples.noneYet")} />;
  return (
    <div className="grid gap-4">
      <div className="flex flex-wrap items-center gap-x-2 gap-y-3">
        <p className="min-w-64 grow basis-0 text-dim">{t("samples.wallHint")}</p>
        <div className="run-actions">
          <Segmented
            label={t("samples.size")}
            value={size}
            options={(["small", "medium", "large"] as const).map((value) => ({
              value,
              label: t(`samples.sizes.${value}`),
            }))}
            onChange={setSize}
          />
          <a className="button" href={archive} download>
            <Icon name="download" size={18} />
            {t("samples.zip")}
          </a>
          <CurlButton actions={[{ label: t("samples.zip"), request: { method: "GET", path: archive } }]} />
        </div>
      </div>
      <SampleWall samples={samples} size={SIZES[size]} />
    </div>
  );
}
