import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useRef, useState } from "react";
import { Cover } from "@/features/datasets/Cover";
import type { DatasetPicture } from "@/features/datasets/DatasetView";
import { t } from "@/i18n";

const CELL_PX = 144;
const GAP_PX = 12;
const TEXT_PX = 44;
/** Room for the outline of a picture at the edge. */
const EDGE_PX = 4;
/** So long a picture must be in sight to be asked for: who flies past thousands wants none of them. */
const LINGER_MS = 100;

type Props = { name: string; pictures: DatasetPicture[]; chosen: string | null; onChoose: (name: string) => void };

/** Any number of pictures: only the rows in sight exist. */
export function PictureGrid({ name, pictures, chosen, onChoose }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const [columns, setColumns] = useState(4);
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const observer = new ResizeObserver(() =>
      setColumns(Math.max(2, Math.floor((element.clientWidth - 2 * EDGE_PX + GAP_PX) / (CELL_PX + GAP_PX)))),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const width = host.current ? (host.current.clientWidth - 2 * EDGE_PX - GAP_PX * (columns - 1)) / columns : CELL_PX;
  const rows = useVirtualizer({
    count: Math.ceil(pictures.length / columns),
    getScrollElement: () => host.current,
    estimateSize: () => width + TEXT_PX + GAP_PX,
    overscan: 2,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another width makes all rows another height.
  useEffect(() => {
    rows.measure();
  }, [width]);
  const chosenRow = Math.floor(pictures.findIndex((picture) => picture.name === chosen) / columns);
  useEffect(() => {
    if (chosenRow >= 0) rows.scrollToIndex(chosenRow);
  }, [chosenRow, rows]);
  return (
    <div ref={host} className="picture-grid">
      <ul aria-label={t("datasets.views.pictures")} style={{ height: rows.getTotalSize(), position: "relative" }}>
        {rows
          .getVirtualItems()
          .flatMap((row) =>
            pictures
              .slice(row.index * columns, (row.index + 1) * columns)
              .map((picture, column) => (
                <Cell
                  key={picture.name}
                  dataset={name}
                  picture={picture}
                  isChosen={picture.name === chosen}
                  onChoose={onChoose}
                  width={width}
                  left={column * (width + GAP_PX)}
                  top={row.start}
                />
              )),
          )}
      </ul>
    </div>
  );
}

type CellProps = {
  dataset: string;
  picture: DatasetPicture;
  isChosen: boolean;
  onChoose: (name: string) => void;
  width: number;
  left: number;
  top: number;
};

const Cell = memo(function Cell({ dataset, picture, isChosen, onChoose, width, left, top }: CellProps) {
  return (
    <li className="absolute top-0 left-0" style={{ width, transform: `translate(${left}px, ${top}px)` }}>
      <button
        type="button"
        aria-pressed={isChosen}
        onClick={() => onChoose(picture.name)}
        className="block w-full cursor-pointer rounded-control text-left aria-pressed:outline-2 aria-pressed:outline-accent"
      >
        <span className="block overflow-hidden rounded-control bg-sunken" style={{ height: width }}>
          <Lingered>
            <Cover dataset={dataset} picture={picture} />
          </Lingered>
        </span>
        <span className={`mt-1 line-clamp-2 text-tiny ${picture.has_caption ? "text-dim" : "text-warn"}`}>
          <span className="sr-only">{t("datasets.named", { name: picture.name })}</span>
          {picture.caption || t("datasets.noCaption")}
        </span>
      </button>
    </li>
  );
});

/** Its content once it has been there for a moment. */
function Lingered({ children }: { children: React.ReactNode }) {
  const [isDue, setIsDue] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIsDue(true), LINGER_MS);
    return () => clearTimeout(timer);
  }, []);
  return isDue ? children : null;
}
