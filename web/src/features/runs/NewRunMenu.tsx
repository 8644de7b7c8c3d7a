import { Link, useNavigate } from "@tanstack/react-router";
import { demoRequest, startDemo } from "@/features/runs/demo";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Icon } from "@/shared/icons";
import { useAction } from "@/shared/useAction";

export function NewRunMenu() {
  const navigate = useNavigate();
  const demo = useAction(startDemo, {
    onDone: (run) => navigate({ to: "/runs/$runId", params: { runId: run.id } }),
  });
  return (
    <>
      <CurlButton actions={[{ label: t("runs.demo"), request: demoRequest() }]} />
      <Button isDisabled={demo.isPending} onPress={() => demo.mutate(undefined)}>
        {t("runs.demo")}
      </Button>
      <Link to="/configure" className="button button-primary">
        <Icon name="plus" size={18} />
        {t("runs.new")}
      </Link>
    </>
  );
}
