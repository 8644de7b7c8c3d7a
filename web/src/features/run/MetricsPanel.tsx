import { useCallback, useMemo, useState } from "react";
import type { Run } from "@/api/client";
import { type Curve, type Curves, lastValue } from "@/features/run/curves";
import { useCurves } from "@/features/run/useCurves";
import { useEpochMeans } from "@/features/run/useEpochMeans";
import { useSmoothed } from "@/features/run/useSmoothed";
import { toSeconds, useStepTimes } from "@/features/run/useStepTimes";
import { t } from "@/i18n";
import { Chart } from "@/shared/Chart";
import type { Series, XUnit } from "@/shared/chartData";
import { formatValue } from "@/shared/format";
import { metricName } from "@/shared/metricName";
import { Segmented } from "@/shared/Segmented";
import { SelectField } from "@/shared/SelectField";
import { isEnded } from "@/shared/status";
import { Empty, ErrorView, Loading } from "@/shared/views";

const LOSS = "loss/train_step";
const SMOOTH_LOSS = "smooth_loss/train_step";
const VALIDATION = "loss/validation_step/";
const EPOCH = "epoch";
const WEIGHTS = [0, 0.8, 0.95, 0.99] as const;
/** Beyond these, metrics have a chart of their own. */
const SHOWN = [LOSS, SMOOTH_LOSS];

type View = { xUnit: XUnit; isLog: boolean; weight: string };

export function MetricsPanel({ run }: { run: Run }) {
  const read = useCurves(run.id);
  const { curves, isPending, error } = read;
  const [view, setView] = useState<View>({ xUnit: "step", isLog: false, weight: "trainer" });
  const smoothed = useSmoothed(run, read, LOSS, weightOf(view, curves));
  const epochMeans = useEpochMeans(run, LOSS, view.weight === EPOCH);
  const times = useStepTimes(run.id, read, view.xUnit === "time");
  const isByTime = view.xUnit === "time";
  const xOf = useCallback(
    (curve: Curve) => (isByTime ? toSeconds(curve.steps, times) : curve.steps),
    [isByTime, times],
  );
  const series = useMemo(
    () => lossSeries(curves, view, epochMeans ?? smoothed, xOf),
    [curves, view, epochMeans, smoothed, xOf],
  );
  if (error && curves.byName.size === 0) return <ErrorView error={error} />;
  if (isPending) return <Loading rows={3} />;
  if (curves.byName.size === 0)
    return <Empty icon="clock" title={isEnded(run.status) ? t("metrics.none") : t("metrics.noneYet")} />;
  return (
    <div className="grid min-w-0 gap-6">
      <section aria-labelledby="loss" className="card @container grid gap-3 p-4">
        <h2 id="loss" className="sr-only">
          {t("metrics.loss")}
        </h2>
        <div className="flex flex-wrap items-start gap-x-8 gap-y-2">
          <Headline curves={curves} />
          <div className="flex grow flex-wrap items-center gap-x-3 gap-y-2 @[44rem]:justify-end">
            <ViewControls view={view} onChange={setView} />
          </div>
        </div>
        <Chart
          label={t("metrics.loss")}
          series={series}
          xUnit={view.xUnit}
          isLog={view.isLog}
          height={320}
          syncKey={run.id}
        />
      </section>
      <OtherMetrics curves={curves} view={view} xOf={xOf} syncKey={run.id} />
    </div>
  );
}

/** What matters most, large: the validation loss where there is one, else the smoothed training loss. */
function Headline({ curves }: { curves: Curves }) {
  const validation = [...curves.byName].filter(([name]) => name.startsWith(VALIDATION));
  const loss = lastValue(curves.byName.get(SMOOTH_LOSS)) ?? lastValue(curves.byName.get(LOSS));
  const lr = [...curves.byName].find(([name]) => name.startsWith("lr/"));
  return (
    <dl className="flex flex-wrap gap-x-8 gap-y-2 max-sm:gap-x-4" aria-labelledby="loss">
      {validation.slice(0, 2).map(([name, curve]) => (
        <Figure
          key={name}
          label={t("metrics.validation", { name: name.slice(VALIDATION.length) })}
          value={lastValue(curve)}
          isLarge
        />
      ))}
      <Figure label={t("metrics.smoothLoss")} value={loss} isLarge={validation.length === 0} />
      {lr && <Figure label={t("metrics.learningRate")} value={lastValue(lr[1])} />}
    </dl>
  );
}

function Figure({ label, value, isLarge = false }: { label: string; value: number | null; isLarge?: boolean }) {
  return (
    <div className="flex flex-col-reverse justify-end">
      <dt className="text-faint text-small">{label}</dt>
      <dd className={isLarge ? "font-semibold text-title tracking-tight" : "pt-1 font-medium text-heading leading-7!"}>
        {formatValue(value)}
      </dd>
    </div>
  );
}

function ViewControls({ view, onChange }: { view: View; onChange: (view: View) => void }) {
  return (
    <>
      <SelectField
        label={t("metrics.smoothing")}
        isLabelHidden
        className="w-48 max-sm:w-full"
        value={view.weight}
        options={[
          { value: "trainer", label: t("metrics.smoothingOfTrainer") },
          ...WEIGHTS.map((weight) => ({ value: String(weight), label: t("metrics.smoothingBy", { weight }) })),
          { value: EPOCH, label: t("metrics.epochMeans") },
        ]}
        onChange={(weight) => onChange({ ...view, weight })}
      />
      <Segmented
        label={t("metrics.axis")}
        value={view.xUnit}
        options={[
          { value: "step", label: t("metrics.byStep") },
          { value: "time", label: t("metrics.byTime") },
        ]}
        onChange={(xUnit) => onChange({ ...view, xUnit })}
      />
      <button
        type="button"
        className="button"
        aria-pressed={view.isLog}
        onClick={() => onChange({ ...view, isLog: !view.isLog })}
      >
        {t("metrics.log")}
      </button>
    </>
  );
}

type XOf = (curve: Curve) => number[];

/** The page's own smoothing; 0 where there is none, or the trainer's is shown. */
function weightOf({ weight }: View, curves: Curves): number {
  if (weight === EPOCH) return 0;
  if (weight !== "trainer") return Number(weight);
  return curves.byName.has(SMOOTH_LOSS) ? 0 : WEIGHTS[2];
}

function lossSeries(curves: Curves, view: View, smoothed: Curve | undefined, xOf: XOf): Series[] {
  const series: Series[] = [];
  const loss = curves.byName.get(LOSS);
  if (loss)
    series.push({ label: t("metrics.trainingLoss"), color: "accent", isFaint: true, x: xOf(loss), y: loss.values });
  const trainers = curves.byName.get(SMOOTH_LOSS);
  const line = smoothed ?? (view.weight === "trainer" ? trainers : undefined);
  const label = view.weight === EPOCH ? t("metrics.epochMeans") : t("metrics.smoothLoss");
  if (line) series.push({ label, color: "accent", x: xOf(line), y: line.values });
  const validation = [...curves.byName].filter(([name]) => name.startsWith(VALIDATION));
  validation.forEach(([name, curve], index) => {
    const color = `curve-${((index % 5) + 2) as 2 | 3 | 4 | 5 | 6}` as const;
    series.push({
      label: t("metrics.validation", { name: name.slice(VALIDATION.length) }),
      color,
      x: xOf(curve),
      y: curve.values,
    });
  });
  return series;
}

function OtherMetrics({ curves, view, xOf, syncKey }: { curves: Curves; view: View; xOf: XOf; syncKey: string }) {
  const others = [...curves.byName.keys()].filter((name) => !SHOWN.includes(name) && !name.startsWith(VALIDATION));
  const [chosen, setChosen] = useState<string | null>(null);
  const name = chosen && others.includes(chosen) ? chosen : (others.find((one) => one.startsWith("lr/")) ?? others[0]);
  const curve = name === undefined ? undefined : curves.byName.get(name);
  const series = useMemo<Series[]>(
    () => (curve ? [{ label: metricName(name ?? ""), color: "curve-3", x: xOf(curve), y: curve.values }] : []),
    [name, curve, xOf],
  );
  if (name === undefined || !curve) return null;
  return (
    <section aria-label={name} className="card grid gap-3 p-4">
      <SelectField
        label={t("metrics.metric")}
        isLabelHidden
        className="w-72 max-w-full"
        value={name}
        options={others.map((value) => ({ value, label: metricName(value) }))}
        onChange={setChosen}
      />
      <Chart label={metricName(name)} series={series} xUnit={view.xUnit} height={160} syncKey={syncKey} />
    </section>
  );
}
