import { Link } from "@tanstack/react-router";
import type { Run } from "@/api/client";
import { Happenings } from "@/features/run/Happenings";
import { MetricsPanel } from "@/features/run/MetricsPanel";
import { useRunSamples } from "@/features/run/useRunSamples";
import { SampleWall } from "@/features/samples/SampleWall";
import { t } from "@/i18n";
import { isEnded } from "@/shared/status";
import { Empty, Loading } from "@/shared/views";

const NEWEST_STEPS = 6;

/** The run at a glance: what the samples look like, how the loss goes, what happened. */
export function Overview({ run }: { run: Run }) {
  const { samples, isPending } = useRunSamples(run.id);
  return (
    <div className="grid items-start gap-6 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)] lg:grid-rows-[auto_1fr]">
      <section aria-labelledby="newest" className="grid min-w-0 gap-3 lg:col-start-2">
        <div className="flex items-baseline justify-between gap-4">
          <h2 id="newest" className="text-heading">
            {t("run.newestSamples")}
          </h2>
          <Link to="." search={{ tab: "samples" }} className="text-accent text-small">
            {t("run.allSamples")}
          </Link>
        </div>
        {isPending ? (
          <Loading rows={2} />
        ) : samples.length === 0 ? (
          <Empty icon="pictures" title={isEnded(run.status) ? t("samples.none") : t("samples.noneYet")} />
        ) : (
          <SampleWall samples={samples} maxSteps={NEWEST_STEPS} />
        )}
      </section>
      <div className="min-w-0 lg:col-start-1 lg:row-span-2 lg:row-start-1">
        <MetricsPanel run={run} />
      </div>
      <Happenings run={run} />
    </div>
  );
}
