import { useEffect, useRef, useState } from "react";
import { Dialog, Modal, ModalOverlay } from "react-aria-components";
import { type Sample, sampleImage } from "@/api/client";
import { SampleSettings } from "@/features/samples/SampleSettings";
import { MODES, type Mode, Stage } from "@/features/samples/Stage";
import { type Place, placeOf, type Rows, step as walk } from "@/features/samples/walk";
import { t } from "@/i18n";
import { IconButton } from "@/shared/Button";
import { Segmented } from "@/shared/Segmented";
import { SelectField } from "@/shared/SelectField";
import { stepLabel } from "@/shared/sampleGrid";

type Props = {
  rows: Rows;
  sampleId: string;
  onChange: (id: string) => void;
  onClose: () => void;
  /** What stands beside each other in a row. */
  along?: "steps" | "runs";
  labelOf?: (sample: Sample) => string;
};

const KEYS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** One picture as large as the window: left and right in its row, up and down through the prompts. */
export default function Lightbox({ rows, sampleId, onChange, onClose, along = "steps", labelOf = stepLabel }: Props) {
  const place = placeOf(rows, sampleId);
  const [mode, setMode] = useState<Mode>("one");
  const [otherId, setOtherId] = useState<string | null>(null);
  const go = (dx: number, dy: number) => {
    const next = place && walk(place, dx, dy);
    if (next) onChange(next);
  };
  if (!place) return null;
  const other = place.row.find((sample) => sample.id === otherId) ?? place.row.find((sample) => sample.id !== sampleId);
  return (
    <ModalOverlay isOpen onOpenChange={(isOpen) => !isOpen && onClose()} className="lightbox">
      <Modal>
        <Dialog aria-label={t("samples.viewer")} className="lightbox-dialog">
          <ArrowKeys onMove={go} />
          <header className="flex flex-wrap items-center gap-2 p-4 max-sm:gap-x-1 pb-0 max-sm:justify-center max-sm:p-2">
            <Segmented
              label={t("samples.view")}
              value={mode}
              options={MODES.map((value) => ({
                value,
                label: t(`samples.modes.${value}`),
              }))}
              onChange={setMode}
            />
            {mode !== "one" && other && <Other {...{ place, labelOf }} value={other.id} onChange={setOtherId} />}
            <span className="grow" />
            <IconButton
              icon="left"
              label={t(`samples.along.${along}.left`)}
              isDisabled={!walk(place, -1, 0)}
              onPress={() => go(-1, 0)}
            />
            <IconButton
              icon="right"
              label={t(`samples.along.${along}.right`)}
              isDisabled={!walk(place, 1, 0)}
              onPress={() => go(1, 0)}
            />
            <IconButton icon="close" label={t("common.close")} onPress={onClose} autoFocus />
          </header>
          <Stage mode={mode} sample={place.sample} {...{ other, labelOf }} onSwipe={(direction) => go(direction, 0)} />
          <Filmstrip label={t(`samples.along.${along}.row`)} {...{ place, labelOf, onChange }} />
          <aside className="lightbox-side">
            <SampleSettings sample={place.sample} />
          </aside>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

/** A component of its own, so that the listener lives exactly as long as the viewer. */
function ArrowKeys({ onMove }: { onMove: (dx: number, dy: number) => void }) {
  const latest = useRef(onMove);
  latest.current = onMove;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const move = KEYS[event.key];
      const isElsewhere = (event.target as HTMLElement).closest(
        "input, [role=listbox], [role=radiogroup], [role=toolbar]",
      );
      if (!move || isElsewhere) return;
      event.preventDefault();
      latest.current(...move);
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
  return null;
}

type LabelOf = (sample: Sample) => string;
type OtherProps = { place: Place; value: string; labelOf: LabelOf; onChange: (id: string) => void };

function Other({ place, value, labelOf, onChange }: OtherProps) {
  return (
    <SelectField
      label={t("samples.compareWith")}
      isLabelHidden
      className="w-44"
      value={value}
      options={place.row.map((sample) => ({ value: sample.id, label: labelOf(sample) }))}
      onChange={onChange}
    />
  );
}

type FilmstripProps = { label: string; place: Place; labelOf: LabelOf; onChange: (id: string) => void };

function Filmstrip({ label, place, labelOf, onChange }: FilmstripProps) {
  const current = useRef<HTMLButtonElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new picture is the reason to scroll.
  useEffect(() => {
    // Newer browsers give a promise here; an effect may give nothing but its clean-up.
    current.current?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [place.sample.id]);
  if (place.row.length < 2) return <div />;
  return (
    <nav className="filmstrip" aria-label={label}>
      {place.row.map((sample) => {
        const isCurrent = sample.id === place.sample.id;
        return (
          <button
            key={sample.id}
            ref={isCurrent ? current : undefined}
            type="button"
            aria-current={isCurrent}
            aria-label={labelOf(sample)}
            onClick={() => onChange(sample.id)}
          >
            <img src={sampleImage(sample.id, 256)} alt="" />
          </button>
        );
      })}
    </nav>
  );
}
