import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { joinSeries, type Series, type XUnit } from "@/shared/chartData";
import { chartOptions, obeyTouch, readColors } from "@/shared/chartOptions";
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

type Hovered = { x: number; values: (number | null | undefined)[] } | null;

/** Curves over steps or time: drag to zoom, hover or tap to read, and a line of text for those who cannot see it. */
export function Chart({ label, series, xUnit, isLog = false, height = 280, syncKey, range }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [hovered, setHovered] = useState<Hovered>(null);
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
      <Legend series={series} hovered={hovered} />
      <div className="relative">
        <div ref={host} aria-hidden="true" className="chart" style={{ height }} />
        <div className="pointer-events-none absolute top-1 right-2 flex items-center gap-3">
          {hovered && <span className="text-dim text-small">{placeOf(hovered.x, xUnit)}</span>}
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

function Legend({ series, hovered }: { series: Series[]; hovered: Hovered }) {
  return (
    <div aria-hidden="true" className="flex min-h-6 flex-wrap items-center gap-x-4 text-dim text-small">
      {series.map((one, index) => (
        <span key={one.label} className="inline-flex items-center gap-2">
          <i
            className="h-0.5 w-3.5 rounded-full"
            style={{ background: `var(--color-${one.color})`, opacity: one.isFaint ? 0.5 : 1 }}
          />
          {one.label}
          <b className="min-w-[7ch] font-medium text-ink">
            {formatValue(hovered ? hovered.values[index] : (one.y.findLast((value) => value !== null) ?? null))}
          </b>
        </span>
      ))}
    </div>
  );
}
