import { useQueryClient } from "@tanstack/react-query";
import { api, client } from "@/api/client";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Icon } from "@/shared/icons";
import { useAction } from "@/shared/useAction";
import { ErrorView } from "@/shared/views";

const KEY = ["get", "/api/tensorboard", {}];
const START = { method: "POST", path: "/api/tensorboard/start" } as const;
const STOP = { method: "POST", path: "/api/tensorboard/stop" } as const;

/** TensorBoard over all runs, for those who know their way around in it. */
export function TensorBoardCard() {
  const { data, error } = api.useQuery("get", "/api/tensorboard", {});
  const queries = useQueryClient();
  const onDone = (state: object) => queries.setQueryData(KEY, state);
  const start = useAction(() => client.POST(START.path), { onDone });
  const stop = useAction(() => client.POST(STOP.path), { onDone });
  return (
    <section aria-labelledby="tensorboard" className="card grid gap-3 p-4">
      <h2 id="tensorboard" className="text-heading">
        {t("settings.tensorboard")}
      </h2>
      <p className="text-dim">{t("settings.tensorboardHint")}</p>
      {error && <ErrorView error={error} />}
      <div className="flex flex-wrap items-center gap-2">
        {data?.is_running ? (
          <>
            <a href={data.path} target="_blank" rel="noreferrer" className="button button-primary">
              <Icon name="link" size={18} />
              {t("settings.tensorboardOpen")}
            </a>
            <Button isDisabled={stop.isPending} onPress={() => stop.mutate(undefined)}>
              {t("settings.tensorboardStop")}
            </Button>
          </>
        ) : (
          <Button isDisabled={!data || start.isPending} onPress={() => start.mutate(undefined)}>
            {start.isPending ? t("settings.tensorboardStarting") : t("settings.tensorboardStart")}
          </Button>
        )}
        <CurlButton
          actions={[
            { label: t("settings.tensorboardStart"), request: START },
            { label: t("settings.tensorboardStop"), request: STOP },
          ]}
        />
      </div>
    </section>
  );
}
