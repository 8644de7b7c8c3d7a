import { useLayoutEffect, useMemo, useRef } from "react";
import { isVideo, type Sample, sampleImage } from "@/api/client";
import { useOpenSample } from "@/features/samples/useOpenSample";
import { rowsOf } from "@/features/samples/walk";
import { t } from "@/i18n";
import { Icon } from "@/shared/icons";
import { lazyDialog } from "@/shared/lazy";
import { buildWall, factsOf, stepName, type Wall, type WallRow } from "@/shared/sampleGrid";
import { Thumbnail } from "@/shared/Thumbnail";

type Props = { samples: readonly Sample[]; maxSteps?: number; size?: number };

const Lightbox = lazyDialog(() => import("@/features/samples/Lightbox"));

const THUMBNAIL = 256;

/** Prompts by steps, newest first. A press opens the picture large; there the arrow keys walk the wall. */
export function SampleWall({ samples, maxSteps, size = 112 }: Props) {
  const wall = useMemo(() => buildWall(samples), [samples]);
  const [open, setOpen] = useOpenSample();
  const steps = maxSteps ? wall.steps.slice(0, maxSteps) : wall.steps;
  return (
    <div className="grid min-w-0 gap-6" style={{ "--picture": `${size}px` } as React.CSSProperties}>
      {wall.rows.length > 0 && (
        <div className="grid gap-5">
          {wall.rows.map((row) => (
            <WallStrip key={row.key} row={row} steps={steps} onOpen={setOpen} />
          ))}
        </div>
      )}
      {wall.custom.length > 0 && <CustomSamples samples={wall.custom} onOpen={setOpen} />}
      {open && <Lightbox rows={rowsOf(wall)} sampleId={open} onChange={setOpen} onClose={() => setOpen(null)} />}
    </div>
  );
}

function WallStrip({ row, steps, onOpen }: { row: WallRow; steps: number[]; onOpen: (id: string) => void }) {
  const strip = useSteadyScroll(steps.length);
  return (
    <section aria-label={row.prompt} className="min-w-0">
      <h3 className="mb-2 line-clamp-2 font-normal text-dim text-small" title={row.prompt}>
        {row.prompt || t("samples.noPrompt")}
      </h3>
      <ul ref={strip} className="strip">
        {steps.map((step) => {
          const sample = row.byStep.get(step);
          return (
            <li key={step} className="strip-cell">
              {sample ? <Picture sample={sample} onOpen={onOpen} /> : <div className="picture-frame" />}
              <span className="text-faint text-tiny">{stepName(step)}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** Where a strip begins the newest stays in view; once scrolled, what is looked at stays where it is. */
function useSteadyScroll(count: number) {
  const strip = useRef<HTMLUListElement>(null);
  const before = useRef(count);
  useLayoutEffect(() => {
    const { current } = strip;
    if (current && current.scrollLeft > 0)
      current.scrollLeft += (count - before.current) * (current.scrollWidth / count);
    before.current = count;
  }, [count]);
  return strip;
}

type PictureProps = { sample: Sample; onOpen: (id: string) => void; label?: string };

export function Picture({ sample, onOpen, label }: PictureProps) {
  const facts = factsOf(sample);
  return (
    <button
      type="button"
      className="picture-frame"
      onClick={() => onOpen(sample.id)}
      aria-label={label ?? t("samples.open", { prompt: facts.prompt, step: facts.globalStep })}
    >
      <Thumbnail src={sampleImage(sample.id, THUMBNAIL)} isLazy />
      {isVideo(sample) && <Icon name="play" size={24} className="picture-mark" />}
    </button>
  );
}

function CustomSamples({ samples, onOpen }: { samples: Wall["custom"]; onOpen: (id: string) => void }) {
  return (
    <section aria-labelledby="custom-samples">
      <h3 id="custom-samples" className="mb-2 font-normal text-dim text-small">
        {t("samples.custom")}
      </h3>
      <ul className="strip">
        {samples.map((sample) => (
          <li key={sample.id} className="strip-cell">
            <Picture sample={sample} onOpen={onOpen} />
            <span className="block max-w-[var(--picture)] truncate text-faint text-tiny" title={factsOf(sample).prompt}>
              {factsOf(sample).prompt}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
