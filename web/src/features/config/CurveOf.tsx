import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { client } from "@/api/client";
import type { components } from "@/api/schema";
import type { Config } from "@/features/config/paths";
import { t } from "@/i18n";

type Points = components["schemas"]["Curve"];

const WIDTH = 280;
const HEIGHT = 64;
const ROOM = 4;
/** What the shapes depend on; other changes ask for nothing. */
const SHAPING =
  /^(learning_rate_(scheduler|warmup_steps|cycles|min_factor)|timestep_(distribution|shift)|noising_.*|m.._noising_strength)$/;

async function readCurves(config: Config) {
  const { data, error } = await client.POST("/api/config/curves", { body: config });
  if (error !== undefined) throw error;
  return data;
}

/** What a schedule or a distribution means, as a small curve under its choice. */
export function CurveOf({ path, config }: { path: string; config: Config }) {
  const isDrawn = path === "learning_rate_scheduler" || path === "timestep_distribution";
  return isDrawn ? <DrawnCurve path={path} config={config} /> : null;
}

function DrawnCurve({ path, config }: { path: string; config: Config }) {
  const optimizer = (config.optimizer as Config | undefined)?.optimizer;
  const shaping = {
    ...Object.fromEntries(Object.entries(config).filter(([key]) => SHAPING.test(key))),
    optimizer: { optimizer },
  };
  const { data } = useQuery({
    queryKey: ["config-curves", shaping],
    queryFn: () => readCurves(shaping),
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!data) return <div className="h-21" />;
  return path === "learning_rate_scheduler" ? (
    <Curve curve={data.learning_rate} label={t("config.scheduleCurve", { warmup: data.warmup_steps })} />
  ) : (
    <Curve curve={data.timesteps} label={t("config.timestepCurve")} />
  );
}

function Curve({ label, curve }: { label: string; curve: Points | null }) {
  if (!curve) return null;
  const top = Math.max(...curve.y);
  const points = curve.x.map((x, index) => {
    const y = HEIGHT - ROOM - ((curve.y[index] ?? 0) / top) * (HEIGHT - 2 * ROOM);
    return `${(x * WIDTH).toFixed(1)},${y.toFixed(1)}`;
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
