import { useQuery } from "@tanstack/react-query";
import { client } from "@/api/client";
import type { components } from "@/api/schema";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CopyButton } from "@/shared/CopyButton";
import { CurlButton } from "@/shared/Curl";
import { Icon } from "@/shared/icons";
import { QueryView } from "@/shared/views";

type Report = components["schemas"]["DoctorReport"];

const REQUEST = { method: "GET", path: "/api/system/doctor" } as const;

async function examine(): Promise<Report> {
  const { data, error } = await client.GET("/api/system/doctor");
  if (error !== undefined) throw error;
  return data;
}

function asText(report: Report): string {
  return report.findings
    .map(
      (finding) => `${finding.is_fine ? t("system.fine") : t("system.lacking")}  ${finding.subject}: ${finding.text}`,
    )
    .join("\n");
}

/** What is missing for training; looked at when somebody asks, since torch is loaded for it. */
export function DoctorCard() {
  const query = useQuery({ queryKey: ["doctor"], queryFn: examine, enabled: false, gcTime: Number.POSITIVE_INFINITY });
  const report = query.data;
  return (
    <section aria-labelledby="doctor" className="card grid gap-4 p-4 lg:col-span-2">
      <div className="flex flex-wrap items-center gap-2">
        <h2 id="doctor" className="grow text-heading">
          {t("system.doctor")}
        </h2>
        {report && <CopyButton value={asText(report)} label={t("system.copyFindings")} />}
        <CurlButton actions={[{ label: t("system.examine"), request: REQUEST }]} />
        <Button isDisabled={query.isFetching} onPress={() => query.refetch()}>
          {query.isFetching ? t("system.examining") : t("system.examine")}
        </Button>
      </div>
      {report || query.error || query.isFetching ? (
        <QueryView query={query}>{(found) => <Findings report={found} />}</QueryView>
      ) : (
        <p className="text-dim">{t("system.doctorHint")}</p>
      )}
    </section>
  );
}

function Findings({ report }: { report: Report }) {
  return (
    <ul className="grid gap-2">
      {report.findings.map((finding) => (
        <li
          key={finding.subject}
          className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 sm:grid-cols-[auto_140px_minmax(0,1fr)]"
        >
          <span role="img" aria-label={finding.is_fine ? t("system.fine") : t("system.lacking")}>
            <Icon name={finding.is_fine ? "done" : "warning"} className={finding.is_fine ? "text-good" : "text-warn"} />
          </span>
          <span className="font-medium">{finding.subject}</span>
          <span className="break-words text-dim max-sm:col-start-2">{finding.text}</span>
        </li>
      ))}
    </ul>
  );
}
