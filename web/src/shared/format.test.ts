import { expect, it } from "vitest";
import { formatBytes, formatDuration, formatPercent, formatValue } from "@/shared/format";

it("gives durations in two parts at most", () => {
  expect([5, 60, 200, 7500, 100_000].map(formatDuration)).toEqual([
    "5 s",
    "1 min",
    "3 min 20 s",
    "2 h 05 min",
    "1 d 3 h",
  ]);
});

it("gives no more than all of something", () => {
  expect([0, 0.999, 1.6].map(formatPercent)).toEqual(["0 %", "99 %", "100 %"]);
});

it("gives sizes with two digits", () => {
  expect([12, 1500, 250_000_000].map(formatBytes)).toEqual(["12 B", "1.5 kB", "250 MB"]);
});

it("gives losses and rates so that they can be compared", () => {
  expect([0.123456, 0.0001, 0, null].map(formatValue)).toEqual(["0.1235", "1.00e−4", "0", "–"]);
});
