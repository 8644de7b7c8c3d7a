import { useRef, useState } from "react";
import { isVideo, type Sample, sampleImage } from "@/api/client";
import { useZoom } from "@/features/samples/useZoom";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { Icon } from "@/shared/icons";
import { factsOf } from "@/shared/sampleGrid";

export const MODES = ["one", "side", "slider"] as const;
export type Mode = (typeof MODES)[number];

type LabelOf = (sample: Sample) => string;
type Props = {
  mode: Mode;
  sample: Sample;
  other: Sample | undefined;
  labelOf: LabelOf;
  /** A finger went to the left (1) or to the right (-1), over a picture that is not zoomed. */
  onSwipe: (direction: 1 | -1) => void;
};

const SWIPE_PX = 48;

/** The pictures themselves; zoomed and moved, they show the same part of each. */
export function Stage({ mode, sample, other, labelOf, onSwipe }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const swipe = useRef<number | null>(null);
  const { scale, x, y } = useZoom(host);
  const isZoomed = scale > 1;
  return (
    <div
      ref={host}
      className="lightbox-stage"
      data-zoomed={isZoomed || undefined}
      style={{ "--zoom": `translate(${x}px, ${y}px) scale(${scale})` } as React.CSSProperties}
      onPointerDown={(event) => {
        const mayTurn = event.pointerType === "touch" && event.isPrimary && mode !== "slider" && !isZoomed;
        swipe.current = mayTurn ? event.clientX : null;
      }}
      onPointerUp={(event) => {
        const moved = swipe.current === null || isZoomed ? 0 : event.clientX - swipe.current;
        swipe.current = null;
        if (Math.abs(moved) > SWIPE_PX) onSwipe(moved < 0 ? 1 : -1);
      }}
    >
      {mode === "slider" && other ? (
        <UnderSlider sample={sample} other={other} labelOf={labelOf} />
      ) : (
        (mode === "side" && other ? [other, sample] : [sample]).map((one, index) => (
          <div key={index} className="lightbox-picture">
            <div className="lightbox-frame" data-zoom-frame>
              <Large sample={one} label={labelOf(one)} />
            </div>
            <p className="text-dim text-small">{labelOf(one)}</p>
          </div>
        ))
      )}
    </div>
  );
}

function UnderSlider({ sample, other, labelOf }: { sample: Sample; other: Sample; labelOf: LabelOf }) {
  const [share, setShare] = useState(50);
  const host = useRef<HTMLDivElement>(null);
  return (
    <div ref={host} className="slider-compare" data-zoom-frame>
      <Large sample={other} label={labelOf(other)} isUnderSlider />
      <div className="absolute inset-0" style={{ clipPath: `inset(0 0 0 ${share}%)` }}>
        <Large sample={sample} label={labelOf(sample)} isUnderSlider />
      </div>
      <p className="slider-label left-4">{labelOf(other)}</p>
      <p className="slider-label right-4">{labelOf(sample)}</p>
      <input
        type="range"
        min={0}
        max={100}
        step={0.5}
        value={share}
        aria-label={t("samples.slider", { left: labelOf(other), right: labelOf(sample) })}
        onChange={(event) => setShare(Number(event.target.value))}
      />
      <div className="slider-line" style={{ left: `${share}%` }}>
        <Icon name="compare" />
      </div>
      {isVideo(sample) && (
        <Button className="slider-play" icon="play" isSmall onPress={() => playOrPause(host.current)}>
          {t("samples.playBoth")}
        </Button>
      )}
    </div>
  );
}

/** Both videos from the same moment on, or neither. */
function playOrPause(host: HTMLElement | null): void {
  const [first, ...others] = host?.querySelectorAll("video") ?? [];
  if (!first) return;
  const isPaused = first.paused;
  for (const video of others) video.currentTime = first.currentTime;
  for (const video of [first, ...others]) isPaused ? void video.play() : video.pause();
}

const SMALL_PX = 200;

type LargeProps = { sample: Sample; label: string; isUnderSlider?: boolean };

/** The slider lies over a video's own controls. */
function Large({ sample, label, isUnderSlider = false }: LargeProps) {
  const facts = factsOf(sample);
  const isSmall = (facts.width ?? Number.POSITIVE_INFINITY) <= SMALL_PX;
  const description = t("samples.alt", { prompt: facts.prompt, step: label });
  if (isVideo(sample)) {
    return (
      <video
        src={sampleImage(sample.id)}
        aria-label={description}
        data-small={isSmall || undefined}
        autoPlay={!matchMedia("(prefers-reduced-motion: reduce)").matches}
        controls={!isUnderSlider}
        loop
        muted
        playsInline
      />
    );
  }
  return <img src={sampleImage(sample.id)} alt={description} data-small={isSmall || undefined} draggable={false} />;
}
