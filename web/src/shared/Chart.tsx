import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { joinSeries, type Series, type XUnit } from "@/shared/chartData";
import { chartOptions, type Hovered, obeyTouch, readColors } from "@/shared/chartOptions";
import { formatCount, formatOffset, formatValue } from "@/shared/format";
import { useIsDark } from "@/shared/theme";

type Props = {
  label: string;
  series: Series[];
  xUnit: XUnit;
  isLog?: boolean;
  height?: number;
  /** Charts with the same key share their cursor. */
  syncKey?: string;
  /** Limits of the vertical axis; without them the data decides. */
  range?: [number, number];
};

/** Curves over steps or time: drag to zoom, hover or tap to read, and a line of text for those who cannot see it. */
export function Chart({ label, series, xUnit, isLog = false, height = 280, syncKey, range }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [hovered, setHovered] = useState<Hovered | null>(null);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [isZoomed, setIsZoomed] = useState(false);
  const isDark = useIsDark();
  const data = useMemo(() => joinSeries(series), [series]);
  const latestData = useRef(data);
  latestData.current = data;
  const shape = JSON.stringify(series.map(({ label: name, color, isFaint }) => [name, color, isFaint]));

  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` stands for the series; new data is set below.
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const chart = new uPlot(
      chartOptions({
        series,
        xUnit,
        isLog,
        width: element.clientWidth,
        height,
        syncKey,
        range,
        colors: readColors(element),
        onHover: setHovered,
        onZoom: setIsZoomed,
      }),
      latestData.current,
      element,
    );
    plot.current = chart;
    obeyTouch(chart.over);
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [shape, xUnit, isLog, height, syncKey, isDark]);

  useEffect(() => {
    plot.current?.setData(data, !isZoomed);
  }, [data, isZoomed]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a plot that is made anew shows all lines.
  useEffect(() => {
    const chart = plot.current;
    series.forEach((one, index) => {
      const show = !hidden.has(one.label);
      if (chart?.series[index + 1]?.show !== show) chart?.setSeries(index + 1, { show });
    });
  }, [hidden, series, shape, xUnit, isLog, height, syncKey, isDark]);

  const toggle = (name: string) =>
    setHidden((known) => new Set(known.has(name) ? [...known].filter((one) => one !== name) : [...known, name]));
  const resetZoom = () => {
    const zoomed = syncKey ? uPlot.sync(syncKey).plots : plot.current ? [plot.current] : [];
    for (const one of zoomed) one.setData(one.data, true);
  };

  return (
    <figure className="relative min-w-0">
      <figcaption className="sr-only">
        {t("chart.describe", {
          label,
          values: series.map((one) => `${one.label} ${formatValue(one.y.at(-1))}`).join(", "),
        })}
      </figcaption>
      <Legend series={series} hidden={hidden} onToggle={toggle} />
      <div className="relative">
        <div ref={host} aria-hidden="true" className="chart" style={{ height }} />
        {hovered && <Readout hovered={hovered} series={series} hidden={hidden} xUnit={xUnit} />}
        <div className="pointer-events-none absolute top-1 right-2 flex items-center gap-3">
          {isZoomed && (
            <Button isSmall className="pointer-events-auto" onPress={resetZoom}>
              {t("chart.resetZoom")}
            </Button>
          )}
        </div>
      </div>
    </figure>
  );
}

function placeOf(x: number, xUnit: XUnit): string {
  return xUnit === "step" ? t("chart.step", { step: formatCount(x) }) : formatOffset(x);
}

type LegendProps = { series: Series[]; hidden: ReadonlySet<string>; onToggle: (label: string) => void };

/** What each line is; a press takes it away or brings it back. */
function Legend({ series, hidden, onToggle }: LegendProps) {
  const isChoice = series.length > 1;
  return (
    <div className="flex min-h-6 flex-wrap items-center gap-x-4 text-dim text-small">
      {series.map((one) => {
        const text = (
          <>
            <Mark of={one} />
            {one.label}
            <b className="min-w-[7ch] text-left font-medium text-ink">
              {formatValue(one.y.findLast((value) => value !== null) ?? null)}
            </b>
          </>
        );
        return isChoice ? (
          <button
            key={one.label}
            type="button"
            aria-pressed={!hidden.has(one.label)}
            onClick={() => onToggle(one.label)}
            className="inline-flex min-h-6 cursor-pointer items-center gap-2 hover:text-ink aria-[pressed=false]:line-through aria-[pressed=false]:opacity-50"
          >
            {text}
          </button>
        ) : (
          <span key={one.label} className="inline-flex items-center gap-2">
            {text}
          </span>
        );
      })}
    </div>
  );
}

type ReadoutProps = { hovered: Hovered; series: Series[]; hidden: ReadonlySet<string>; xUnit: XUnit };

/** The values under the cursor, beside it, on the side where there is room. */
function Readout({ hovered, series, hidden, xUnit }: ReadoutProps) {
  const isRight = hovered.share < 0.5;
  return (
    <div
      aria-hidden="true"
      className="chart-readout"
      style={{ left: hovered.left, translate: isRight ? "12px" : "calc(-100% - 12px)" }}
    >
      <p className="text-dim">{placeOf(hovered.x, xUnit)}</p>
      {series.map(
        (one, index) =>
          !hidden.has(one.label) && (
            <p key={one.label} className="flex items-center gap-2 whitespace-nowrap">
              <Mark of={one} />
              <span className="max-w-48 grow truncate text-dim">{one.label}</span>
              <b className="font-medium">{formatValue(hovered.values[index])}</b>
            </p>
          ),
      )}
    </div>
  );
}

function Mark({ of: { color, isFaint } }: { of: Series }) {
  return (
    <i
      className="h-0.5 w-3.5 flex-none rounded-full"
      style={{ background: `var(--color-${color})`, opacity: isFaint ? 0.5 : 1 }}
    />
  );
}
