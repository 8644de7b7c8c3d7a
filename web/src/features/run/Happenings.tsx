import { useQuery } from "@tanstack/react-query";
import { client, type Run } from "@/api/client";
import { t } from "@/i18n";
import { formatClock, formatCount } from "@/shared/format";
import { Icon, type IconName } from "@/shared/icons";

const TYPES = "started,backup,save,warning,completed,stopped,failed";
const SHOWN = 8;

type Happening = { seq: number; time: string; icon: IconName; text: string; isWarning?: boolean; isError?: boolean };

async function readHappenings(runId: string): Promise<Happening[]> {
  const { data, error } = await client.GET("/api/runs/{run_id}/events", {
    params: { path: { run_id: runId }, query: { types: TYPES, limit: 10_000 } },
  });
  if (error !== undefined) throw error;
  return data.events.flatMap((event): Happening[] => {
    const { seq, time = "" } = event;
    switch (event.type) {
      case "started":
        return [{ seq, time, icon: "play", text: event.resume_id ? t("happened.resumed") : t("happened.started") }];
      case "backup":
        return [
          { seq, time, icon: "backup", text: t("happened.backup", { step: formatCount(event.progress.global_step) }) },
        ];
      case "save":
        return [
          {
            seq,
            time,
            icon: "save",
            text: event.final
              ? t("happened.result")
              : t("happened.save", { step: formatCount(event.progress.global_step) }),
          },
        ];
      case "warning":
        return [{ seq, time, icon: "warning", text: event.message, isWarning: true }];
      case "completed":
      case "stopped":
        return [{ seq, time, icon: "done", text: t(`status.${event.type}`) }];
      case "failed":
        return [{ seq, time, icon: "error", text: event.error, isError: true }];
      default:
        return [];
    }
  });
}

/** The few events of a run that matter to a person, newest first. */
export function Happenings({ run }: { run: Run }) {
  const { data } = useQuery({
    // The run's messages come with every step; these change when something happened, its times also when it is resumed.
    queryKey: ["happenings", run.id, run.status, run.activity?.doing, run.model_path, run.started, run.ended],
    queryFn: () => readHappenings(run.id),
    placeholderData: (before) => before,
  });
  if (!data?.length) return null;
  return (
    <section aria-labelledby="happenings" className="grid gap-2 pt-4">
      <h2 id="happenings" className="text-heading">
        {t("happened.title")}
      </h2>
      <ol className="grid gap-2">
        {data
          .slice(-SHOWN)
          .reverse()
          .map((one) => (
            <li key={one.seq} className="flex items-start gap-3">
              <Icon
                name={one.icon}
                size={18}
                className={`mt-0.5 ${one.isError ? "text-bad" : one.isWarning ? "text-warn" : "text-faint"}`}
              />
              <span className="min-w-0 grow break-words">{one.text}</span>
              <time dateTime={one.time} className="whitespace-nowrap text-faint text-small">
                {formatClock(one.time)}
              </time>
            </li>
          ))}
      </ol>
    </section>
  );
}
