/** How the charts look: hairline grid, tabular figures, colours of the theme. */
import type uPlot from "uplot";
import type { Series, SeriesColor, XUnit } from "@/shared/chartData";
import { formatOffset, formatValue } from "@/shared/format";

export type ChartColors = { line: string; text: string; of: (color: SeriesColor) => string };

/** A canvas knows no custom properties: let the browser compute them on an element. */
export function readColors(element: HTMLElement): ChartColors {
  const probe = document.createElement("i");
  element.append(probe);
  const read = (name: string) => {
    probe.style.color = `var(--color-${name})`;
    return getComputedStyle(probe).color;
  };
  const names: SeriesColor[] = ["accent", "faint", "warn", "good", "bad"];
  for (const index of [1, 2, 3, 4, 5, 6] as const) names.push(`curve-${index}`);
  const byName = new Map(names.map((name) => [name, read(name)]));
  const colors = { line: read("line"), text: read("faint"), of: (color: SeriesColor) => byName.get(color) ?? "" };
  probe.remove();
  return colors;
}

/** What lies under the cursor, and how far from the left it stands, as a share of the plot's width. */
export type Hovered = { x: number; values: (number | null | undefined)[]; share: number; left: number };

type Options = {
  series: readonly Series[];
  xUnit: XUnit;
  isLog: boolean;
  width: number;
  height: number;
  syncKey: string | undefined;
  range: [number, number] | undefined;
  colors: ChartColors;
  onHover: (hovered: Hovered | null) => void;
  onZoom: (isZoomed: boolean) => void;
};

/** Distances of marks on a time axis: round numbers of seconds, minutes, hours, days. */
const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800];

/** Room for "−4 min 15 s" and a gap. */
const TIME_LABEL_PX = 96;

/** Less is a tap, or a finger that is about to scroll the page. */
const MIN_DRAG_PX = 10;

const FONT = '12px "Inter Variable", sans-serif';

export function chartOptions(options: Options): uPlot.Options {
  const { colors } = options;
  const axis: uPlot.Axis = {
    stroke: colors.text,
    font: FONT,
    grid: { stroke: colors.line, width: 1 },
    ticks: { show: false },
    gap: 8,
  };
  return {
    width: options.width,
    height: options.height,
    legend: { show: false },
    padding: [12, 20, 0, 0],
    cursor: {
      points: { size: 7 },
      drag: { x: true, y: false, dist: MIN_DRAG_PX },
      ...(options.syncKey ? { sync: { key: options.syncKey } } : {}),
    },
    scales: {
      x: { time: false },
      y: { distr: options.isLog ? 3 : 1, ...(options.range ? { range: options.range } : {}) },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 32,
        ...(options.xUnit === "time" ? { incrs: SECONDS, space: TIME_LABEL_PX } : {}),
        values: (_, ticks) => ticks.map((tick) => tickLabel(tick, options.xUnit)),
      },
      { ...axis, size: 58, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : formatValue(tick))) },
    ],
    series: [{}, ...options.series.map((one) => lineOf(one, colors))],
    hooks: hooksOf(options),
  };
}

function tickLabel(tick: number, unit: XUnit): string {
  if (unit === "time") return formatOffset(tick);
  return Number.isInteger(tick) ? (tick >= 10_000 ? `${tick / 1000}k` : String(tick)) : "";
}

function lineOf(series: Series, colors: ChartColors): uPlot.Series {
  const stroke = colors.of(series.color);
  return {
    label: series.label,
    stroke,
    width: series.isFaint ? 1 : 2,
    alpha: series.isFaint ? 0.4 : 1,
    spanGaps: true,
    // A curve of one value has no line; asked each time, since the next values make it one.
    points: { show: (plot, index) => isSingle(plot.data[index] ?? []), size: 5, fill: stroke },
  };
}

function isSingle(values: ArrayLike<unknown>): boolean {
  let count = 0;
  for (let at = 0; at < values.length && count < 2; at += 1)
    if (values[at] !== null && values[at] !== undefined) count += 1;
  return count === 1;
}

function hooksOf({ onHover, onZoom }: Options): uPlot.Hooks.Arrays {
  return {
    setCursor: [
      (plot) => {
        const index = plot.cursor.idx;
        if (index === null || index === undefined || (plot.cursor.left ?? -1) < 0) return onHover(null);
        const left = plot.cursor.left ?? 0;
        onHover({
          x: plot.data[0][index] ?? 0,
          values: plot.data.slice(1).map((values) => nearest(values, index)),
          share: left / plot.over.clientWidth,
          left: left + plot.over.offsetLeft,
        });
      },
    ],
    setScale: [(plot, scale) => scale === "x" && onZoom(isZoomed(plot))],
  };
}

/** Whether points lie outside of what is shown. */
function isZoomed({ data: [xs], scales }: uPlot): boolean {
  const { min = null, max = null } = scales.x ?? {};
  return min !== null && max !== null && xs.length > 0 && (min > (xs[0] ?? min) || max < (xs.at(-1) ?? max));
}

const OF_TOUCH = { pointerdown: "mousedown", pointermove: "mousemove", pointerup: "mouseup", pointercancel: "mouseup" };

/** uPlot listens to mice alone: a finger that moves sideways zooms too; one that moves up or down scrolls the page. */
export function obeyTouch(over: HTMLElement): void {
  over.style.touchAction = "pan-y";
  for (const [type, name] of Object.entries(OF_TOUCH)) {
    over.addEventListener(type, (event) => {
      const { pointerType, clientX, clientY } = event as PointerEvent;
      // uPlot takes a drag without movement for a mistake of the browser.
      const mouse = { bubbles: true, clientX, clientY, movementX: 1 };
      if (pointerType === "touch") over.dispatchEvent(new MouseEvent(name, mouse));
    });
  }
}

/** The value at `index`, or the last one before it: curves that are measured rarely have gaps between. */
function nearest(values: ArrayLike<number | null | undefined>, index: number): number | null {
  for (let at = index; at >= 0; at -= 1) {
    const value = values[at];
    if (value !== null && value !== undefined) return value;
  }
  return null;
}
