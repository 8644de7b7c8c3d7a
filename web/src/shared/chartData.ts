/** Brings curves with different steps onto the one x axis that the chart needs. */
import uPlot from "uplot";

export type XUnit = "step" | "time";
export type SeriesColor = "accent" | "faint" | "warn" | "good" | "bad" | `curve-${1 | 2 | 3 | 4 | 5 | 6}`;
export type Series = {
  label: string;
  color: SeriesColor;
  /** Drawn thin and pale behind the others. */
  isFaint?: boolean;
  x: readonly number[];
  y: readonly (number | null)[];
};

function isSameAxis(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a[0] === b[0] && a.at(-1) === b.at(-1));
}

export function joinSeries(series: readonly Series[]): uPlot.AlignedData {
  const first = series[0];
  if (!first) return [[]];
  if (series.every((one) => isSameAxis(one.x, first.x))) {
    return [first.x as number[], ...series.map((one) => one.y as (number | null)[])];
  }
  return uPlot.join(series.map((one) => [one.x as number[], one.y as (number | null)[]]));
}
