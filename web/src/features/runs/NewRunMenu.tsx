import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { client, type Queue } from "@/api/client";
import { demoRequest, startDemo } from "@/features/runs/demo";
import { t } from "@/i18n";
import { Icon } from "@/shared/icons";
import { MenuButton } from "@/shared/Menu";
import { useAction } from "@/shared/useAction";

/** Ways to a run, those for every day as buttons. */
export function NewRunMenu({ queue }: { queue: Queue | undefined }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const demo = useAction(startDemo, {
    onDone: (run) => navigate({ to: "/runs/$runId", params: { runId: run.id } }),
  });
  const pausing = { paused: !queue?.paused };
  const pause = useAction(() => client.PATCH("/api/queue", { body: pausing }), {
    onDone: (next) => queries.setQueryData(["get", "/api/queue"], next),
  });
  const pauseLabel = queue?.paused ? t("queue.resume") : t("queue.pause");
  return (
    <>
      <MenuButton
        label={t("runs.more")}
        actions={[
          { label: t("runs.demo"), request: demoRequest() },
          { label: pauseLabel, request: { method: "PATCH", path: "/api/queue", body: pausing } },
        ]}
        entries={[
          {
            id: "pause",
            label: pauseLabel,
            icon: queue?.paused ? "play" : "pause",
            onAction: () => pause.mutate(undefined),
          },
          { id: "new", label: t("runs.new"), icon: "tune", onAction: () => navigate({ to: "/configure" }) },
          { id: "demo", label: t("runs.demo"), icon: "spark", onAction: () => demo.mutate(undefined) },
        ]}
      />
      <Link to="/configure" className="button max-sm:hidden">
        <Icon name="tune" size={18} />
        {t("runs.new")}
      </Link>
      <Link to="/train" className="button button-primary">
        <Icon name="plus" size={18} />
        {t("runs.train")}
      </Link>
    </>
  );
}
