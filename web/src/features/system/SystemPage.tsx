import { api } from "@/api/client";
import type { components } from "@/api/schema";
import { DoctorCard } from "@/features/system/DoctorCard";
import { useResources } from "@/features/system/useResources";
import { t } from "@/i18n";
import { Chart } from "@/shared/Chart";
import { CopyButton } from "@/shared/CopyButton";
import type { SeriesColor } from "@/shared/chartData";
import { formatCount, formatDecimal, formatDuration } from "@/shared/format";
import { PageHeader } from "@/shared/PageHeader";
import { ProgressBar } from "@/shared/ProgressBar";
import { QueryView } from "@/shared/views";

const PERCENT: [number, number] = [0, 100];
/** There are six colours for curves, and three are taken. */
const GPUS_DRAWN = 3;

type Info = components["schemas"]["MachineInfo"];
type Resources = components["schemas"]["Resources"];
type Line = [string, (load: Resources) => number | null];

export default function SystemPage() {
  const info = api.useQuery("get", "/api/system/info");
  return (
    <>
      <PageHeader title={t("system.title")} />
      <QueryView query={info}>{(machine) => <Machine info={machine} />}</QueryView>
    </>
  );
}

function Machine({ info }: { info: Info }) {
  const history = useResources();
  const latest = history.at(-1)?.resources;
  return (
    <div className="grid items-start gap-6 lg:grid-cols-2">
      <section aria-labelledby="load" className="card grid gap-4 p-4 lg:col-span-2">
        <h2 id="load" className="text-heading">
          {t("system.load")}
        </h2>
        <div className="grid gap-6 sm:grid-cols-3">
          <Meter
            label={t("system.cpu")}
            percent={latest?.cpu_percent ?? info.cpu.usage_percent}
            detail={t("system.cores", { count: info.cpu.count })}
          />
          <Meter
            label={t("system.memory")}
            percent={latest?.memory_percent ?? info.memory.usage_percent}
            detail={t("system.of", {
              used: formatDecimal(info.memory.used_gb),
              total: formatDecimal(info.memory.total_gb),
            })}
          />
          <Meter
            label={t("system.disk")}
            percent={latest?.disk_percent ?? info.disk.usage_percent}
            detail={t("system.free", { free: formatDecimal(info.disk.free_gb) })}
          />
        </div>
        <LoadChart info={info} history={history} />
      </section>
      <Gpus info={info} reserved={latest?.gpu_memory.map((gpu) => gpu.reserved_percent) ?? []} />
      <ProcessCard />
      <DoctorCard />
      <Versions info={info} />
    </div>
  );
}

/** The last minutes, counted backwards from now. */
function LoadChart({ info, history }: { info: Info; history: ReturnType<typeof useResources> }) {
  if (history.length < 2) return <div className="h-56" />;
  const now = Date.parse(history.at(-1)?.time ?? "");
  const x = history.map((one) => (Date.parse(one.time) - now) / 1000);
  const lines: Line[] = [
    [t("system.cpu"), (load) => load.cpu_percent],
    [t("system.memory"), (load) => load.memory_percent],
    [t("system.disk"), (load) => load.disk_percent],
    ...info.gpu.devices
      .slice(0, GPUS_DRAWN)
      .map(
        (gpu): Line => [
          gpu.name,
          (load) => load.gpu_memory.find((one) => one.device === gpu.id)?.reserved_percent ?? null,
        ],
      ),
  ];
  return (
    <Chart
      label={t("system.load")}
      xUnit="time"
      height={200}
      range={PERCENT}
      series={lines.map(([label, of], index) => ({
        label,
        color: `curve-${index + 1}` as SeriesColor,
        x,
        y: history.map((one) => of(one.resources)),
      }))}
    />
  );
}

function Meter({ label, percent, detail }: { label: string; percent: number; detail: string }) {
  return (
    <div className="grid gap-2">
      <p className="flex items-baseline justify-between gap-2">
        <span className="text-dim">{label}</span>
        <span className="font-semibold text-title">{t("percent", { percent: Math.round(percent) })}</span>
      </p>
      <ProgressBar label={label} value={percent} max={100} />
      <p className="text-faint text-small">{detail}</p>
    </div>
  );
}

function Gpus({ info, reserved }: { info: Info; reserved: number[] }) {
  return (
    <section aria-labelledby="gpus" className="card grid gap-4 p-4">
      <h2 id="gpus" className="text-heading">
        {t("system.gpus")}
      </h2>
      {info.gpu.devices.length === 0 && <p className="text-dim">{t("system.noGpu")}</p>}
      {info.gpu.devices.map((gpu) => (
        <Meter
          key={gpu.id}
          label={gpu.name}
          percent={reserved[gpu.id] ?? (gpu.memory_reserved_gb / gpu.memory_total_gb) * 100}
          detail={t("system.gpuMemory", { total: formatDecimal(gpu.memory_total_gb) })}
        />
      ))}
    </section>
  );
}

const PROCESS_EVERY_MS = 3000;

function ProcessCard() {
  const query = api.useQuery("get", "/api/system/processes", {}, { refetchInterval: PROCESS_EVERY_MS });
  return (
    <section aria-labelledby="process" className="card grid gap-4 p-4">
      <h2 id="process" className="text-heading">
        {t("system.process")}
      </h2>
      <QueryView query={query} rows={1}>
        {(process) => (
          <Facts
            facts={[
              [t("system.pid"), process.pid],
              [t("system.state"), process.status],
              [t("system.cpu"), t("percent", { percent: formatCount(process.cpu_percent) })],
              [t("system.memory"), t("system.megabytes", { value: Math.round(process.memory_mb) })],
              [t("system.threads"), process.num_threads],
            ]}
          />
        )}
      </QueryView>
    </section>
  );
}

function Facts({ facts }: { facts: [string, React.ReactNode][] }) {
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-2">
      {facts.map(([label, value]) => (
        <div key={label} className="contents">
          <dt className="text-faint">{label}</dt>
          <dd className="break-words text-right font-medium">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Where a OneTrainer lies, and at which commit, where that is known. */
function placeOf({ folder, commit }: { folder: string; commit: string }): string {
  return commit ? t("system.at", { folder, commit }) : folder;
}

/** What to send along with a question: the machine and the versions, as text. */
function Versions({ info }: { info: Info }) {
  const { data: health } = api.useQuery("get", "/api/health");
  const found = info.onetrainer;
  const report = JSON.stringify({ health, machine: info, browser: navigator.userAgent }, null, 2);
  return (
    <section aria-labelledby="versions" className="card grid gap-4 p-4 lg:col-span-2">
      <div className="flex items-center gap-4">
        <h2 id="versions" className="grow text-heading">
          {t("system.versions")}
        </h2>
        <span className="text-dim text-small">{t("system.copyReport")}</span>
        <CopyButton value={report} label={t("system.copyReport")} />
      </div>
      <Facts
        facts={[
          [t("productName"), health?.version],
          ...(found ? [[t("system.onetrainer"), found.missing || placeOf(found)] as [string, string]] : []),
          [t("system.uptime"), health && formatDuration(health.uptime_s)],
          [t("system.os"), `${info.os.system} ${info.os.release} (${info.os.machine})`],
          [t("system.processor"), info.os.processor],
        ]}
      />
    </section>
  );
}
