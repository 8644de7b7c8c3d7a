import type { Config } from "@/features/config/paths";
import { scheduleFactor, timestepDensity } from "@/features/config/shapes";
import { text } from "@/text";

const POINTS = 120;
const WIDTH = 280;
const HEIGHT = 64;

function numberOf(config: Config, key: string): number {
  const value = config[key];
  return typeof value === "number" ? value : 0;
}

/** What a schedule or a distribution means, as a small curve under its choice. */
export function CurveOf({ path, config }: { path: string; config: Config }) {
  if (path === "learning_rate_scheduler") {
    const shape = {
      scheduler: String(config.learning_rate_scheduler),
      minimum: numberOf(config, "learning_rate_min_factor"),
      cycles: numberOf(config, "learning_rate_cycles"),
    };
    return <Curve label={text.config.scheduleCurve} of={(x) => scheduleFactor(shape, x)} />;
  }
  if (path === "timestep_distribution") {
    const shape = {
      distribution: String(config.timestep_distribution),
      weight: numberOf(config, "noising_weight"),
      bias: numberOf(config, "noising_bias"),
    };
    return <Curve label={text.config.timestepCurve} of={(x) => timestepDensity(shape, x)} />;
  }
  return null;
}

function Curve({ label, of }: { label: string; of: (x: number) => number | null }) {
  const values = Array.from({ length: POINTS }, (_, index) => of((index + 0.5) / POINTS));
  const top = Math.max(...values.map((value) => value ?? 0));
  if (values.some((value) => value === null) || !(top > 0)) return null;
  const points = values.map((value, index) => {
    const x = (index / (POINTS - 1)) * WIDTH;
    const y = HEIGHT - 3 - ((value ?? 0) / top) * (HEIGHT - 8);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return (
    <figure className="grid gap-1">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        className="h-16 w-full max-w-70 rounded-small bg-sunken"
        aria-hidden="true"
      >
        <polyline points={points.join(" ")} fill="none" className="stroke-accent" strokeWidth="2" />
      </svg>
      <figcaption className="text-faint text-tiny">{label}</figcaption>
    </figure>
  );
}
