import { Link, useNavigate } from "@tanstack/react-router";
import { demoRequest, startDemo } from "@/features/runs/demo";
import { ImportConfig } from "@/features/runs/ImportConfig";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Icon } from "@/shared/icons";
import { useAction } from "@/shared/useAction";

/** An empty workspace: three ways in. */
export default function FirstVisit() {
  const navigate = useNavigate();
  const demo = useAction(startDemo, {
    onDone: (run) => navigate({ to: "/runs/$runId", params: { runId: run.id } }),
  });
  return (
    <div className="mx-auto grid max-w-320 gap-8 py-[6vh]">
      <header className="grid gap-2">
        <h1 className="text-figure">{t("first.title")}</h1>
        <p className="max-w-160 text-dim text-lead">{t("first.lead")}</p>
      </header>
      <div className="grid gap-4 md:grid-cols-2 lg:grid-cols-3">
        <section className="card grid grid-cols-1 content-between gap-8 p-6 max-sm:p-4">
          <div className="grid gap-2">
            <div className="flex items-center justify-between gap-2">
              <h2 className="text-heading">{t("first.demoTitle")}</h2>
              <CurlButton actions={[{ label: t("first.demo"), request: demoRequest() }]} />
            </div>
            <p className="text-dim">{t("first.demoHint")}</p>
          </div>
          <Button
            icon="play"
            className="justify-self-start max-sm:w-full"
            isDisabled={demo.isPending}
            onPress={() => demo.mutate(undefined)}
          >
            {t("first.demo")}
          </Button>
        </section>
        <section className="card grid grid-cols-1 content-between gap-8 p-6 max-sm:p-4">
          <div className="grid gap-2">
            <h2 className="flex min-h-(--control) items-center text-heading">{t("first.ownTitle")}</h2>
            <p className="text-dim">{t("first.ownHint")}</p>
          </div>
          <Link to="/train" className="button button-primary justify-self-start max-sm:w-full">
            <Icon name="pictures" size={18} />
            {t("first.own")}
          </Link>
        </section>
        <ImportConfig />
      </div>
    </div>
  );
}
