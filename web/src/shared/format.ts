/** Numbers, sizes and times as people read them. */
import { formatLocale, maybeT, t } from "@/i18n";

/** A formatter of the language that is shown, made once for each. */
function byLocale<Formatter>(make: (locale: string) => Formatter): () => Formatter {
  const made = new Map<string, Formatter>();
  return () => {
    const locale = formatLocale();
    const known = made.get(locale) ?? make(locale);
    made.set(locale, known);
    return known;
  };
}

const number = byLocale((locale) => new Intl.NumberFormat(locale));
const decimal = byLocale(
  (locale) => new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 }),
);
/** With so many digits that count, whole numbers not grouped. */
const significant = (digits: Pick<Intl.NumberFormatOptions, "minimumSignificantDigits" | "maximumSignificantDigits">) =>
  byLocale((locale) => new Intl.NumberFormat(locale, { useGrouping: false, ...digits }));
const twoDigits = significant({ minimumSignificantDigits: 2, maximumSignificantDigits: 2 });
const threeDigits = significant({ minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
const fourDigits = significant({ maximumSignificantDigits: 4 });
const hundredths = byLocale((locale) => new Intl.NumberFormat(locale, { minimumFractionDigits: 2 }));

export function formatCount(value: number): string {
  return number().format(value);
}

/** With one digit behind the point. */
export function formatDecimal(value: number): string {
  return decimal().format(value);
}

/** Facts in one line. */
export function facts(...all: string[]): string {
  return all.join(" · ");
}

/** The first of some names, and how many more there are. */
export function listed(names: readonly string[], shown = 3): string {
  const first = names.slice(0, shown).join(", ");
  return names.length > shown ? t("common.listed", { names: first, count: names.length - shown }) : first;
}

const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

export function formatBytes(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** power;
  const shown = power === 0 || value >= 100 ? formatCount(Math.round(value)) : twoDigits().format(value);
  return t(`sizes.${UNITS[power] ?? "B"}`, { value: shown });
}

/** Seconds as "45 s", "3 min 20 s", "2 h 05 min", "3 d 4 h": two parts at most. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return t("time.seconds", { seconds: whole });
  const minutes = Math.floor(whole / 60);
  if (minutes < 60)
    return whole % 60 ? t("time.minutes", { minutes, seconds: whole % 60 }) : t("time.wholeMinutes", { minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return t("time.hours", { hours, minutes: String(minutes % 60).padStart(2, "0") });
  return t("time.days", { days: Math.floor(hours / 24), hours: hours % 24 });
}

/** The same for moments before (negative) and after another. */
export function formatOffset(seconds: number): string {
  return `${Math.round(seconds) < 0 ? "−" : ""}${formatDuration(Math.abs(seconds))}`;
}

/** A loss or rate: four significant digits, or powers of ten when very small. */
export function formatValue(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return t("common.unknown");
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) {
    const [digits = "", power = ""] = value.toExponential(2).split("e");
    return `${hundredths().format(Number(digits))}e${power.replace("+", "").replace("-", "−")}`;
  }
  return fourDigits().format(value);
}

/** How much of something is done: never more than all of it. */
export function formatPercent(share: number): string {
  return t("percent", { percent: Math.floor(Math.min(1, share) * 100) });
}

const clock = byLocale(
  (locale) => new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit", second: "2-digit" }),
);
const dayAndTime = byLocale((locale) => new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }));
const thisYear = byLocale(
  (locale) => new Intl.DateTimeFormat(locale, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" }),
);

export function formatClock(time: string | number | Date): string {
  return clock().format(new Date(time));
}

export function formatDateTime(time: string | number | Date): string {
  const date = new Date(time);
  return (date.getFullYear() === new Date().getFullYear() ? thisYear : dayAndTime)().format(date);
}

const relative = byLocale((locale) => new Intl.RelativeTimeFormat(locale, { numeric: "auto" }));

/** "now", "3 minutes ago", "yesterday". */
export function formatAgo(time: string, now: number): string {
  const seconds = (new Date(time).getTime() - now) / 1000;
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
  ];
  for (const [unit, length] of steps) {
    if (Math.abs(seconds) >= length) return relative().format(Math.trunc(seconds / length), unit);
  }
  return relative().format(0, "second");
}

/** STABLE_DIFFUSION_XL_10_BASE as people write it. */
export function formatEnum(value: string): string {
  const words = value.replaceAll("_", " ").toLowerCase();
  return maybeT(`names.${value}`) ?? words.charAt(0).toUpperCase() + words.slice(1);
}

/** Steps a second, or seconds a step where one takes longer. */
export function formatPace(stepsPerS: number): string {
  if (stepsPerS >= 1) return t("run.stepsPerSecond", { steps: threeDigits().format(stepsPerS) });
  return t("run.secondsPerStep", { seconds: threeDigits().format(1 / stepsPerS) });
}
