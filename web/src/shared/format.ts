/** Numbers, sizes and times as people read them. Units stand here and nowhere else. */

const number = new Intl.NumberFormat("en");

export function formatCount(value: number): string {
  return number.format(value);
}

export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
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
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** The same for moments before (negative) and after another. */
export function formatOffset(seconds: number): string {
  return `${Math.round(seconds) < 0 ? "−" : ""}${formatDuration(Math.abs(seconds))}`;
}

/** A loss or rate: four significant digits, or powers of ten when very small. */
export function formatValue(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2).replace("e+", "e").replace("e-", "e−");
  return String(Number(value.toPrecision(4)));
}

export function formatPercent(share: number): string {
  return `${Math.floor(share * 100)} %`;
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

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

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
  const known: Record<string, string> = {
    STABLE_DIFFUSION_15: "Stable Diffusion 1.5",
    STABLE_DIFFUSION_15_INPAINTING: "Stable Diffusion 1.5 inpainting",
    STABLE_DIFFUSION_XL_10_BASE: "Stable Diffusion XL",
    STABLE_DIFFUSION_3: "Stable Diffusion 3",
    STABLE_DIFFUSION_35: "Stable Diffusion 3.5",
    FLUX_DEV_1: "FLUX.1 dev",
    FLUX_2: "FLUX.2",
    LORA: "LoRA",
    FINE_TUNE: "Fine-tune",
    FINE_TUNE_VAE: "Fine-tune VAE",
    EMBEDDING: "Embedding",
  };
  const words = value.replaceAll("_", " ").toLowerCase();
  return known[value] ?? words.charAt(0).toUpperCase() + words.slice(1);
}
