/** Numbers, sizes and times as people read them. */
import { text } from "@/text";

const number = new Intl.NumberFormat(text.language);

export function formatCount(value: number): string {
  return number.format(value);
}

export function formatBytes(bytes: number): string {
  const units = text.sizes;
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toPrecision(2)} ${units[unit]}`;
}

/** Seconds as "45 s", "3 min 20 s", "2 h 05 min", "3 d 4 h": two parts at most. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return text.time.seconds(whole);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return text.time.minutes(minutes, whole % 60);
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return text.time.hours(hours, minutes % 60);
  return text.time.days(Math.floor(hours / 24), hours % 24);
}

/** The same for moments before (negative) and after another. */
export function formatOffset(seconds: number): string {
  return `${Math.round(seconds) < 0 ? "−" : ""}${formatDuration(Math.abs(seconds))}`;
}

/** A loss or rate: four significant digits, or powers of ten when very small. */
export function formatValue(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return text.common.unknown;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2).replace("e+", "e").replace("e-", "e−");
  return String(Number(value.toPrecision(4)));
}

/** How much of something is done: never more than all of it. */
export function formatPercent(share: number): string {
  return text.percent(Math.floor(Math.min(1, share) * 100));
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit", second: "2-digit" });
const dayAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const thisYear = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "numeric",
  minute: "2-digit",
});

export function formatClock(time: string | number | Date): string {
  return clock.format(new Date(time));
}

export function formatDateTime(time: string | number | Date): string {
  const date = new Date(time);
  return (date.getFullYear() === new Date().getFullYear() ? thisYear : dayAndTime).format(date);
}

const relative = new Intl.RelativeTimeFormat(text.language, { numeric: "auto" });

/** "now", "3 minutes ago", "yesterday". */
export function formatAgo(time: string, now: number): string {
  const seconds = (new Date(time).getTime() - now) / 1000;
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
  ];
  for (const [unit, length] of steps) {
    if (Math.abs(seconds) >= length) return relative.format(Math.trunc(seconds / length), unit);
  }
  return relative.format(0, "second");
}

/** STABLE_DIFFUSION_XL_10_BASE as people write it. */
export function formatEnum(value: string): string {
  const words = value.replaceAll("_", " ").toLowerCase();
  return text.names[value] ?? words.charAt(0).toUpperCase() + words.slice(1);
}
