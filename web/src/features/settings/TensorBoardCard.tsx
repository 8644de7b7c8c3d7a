import { useQueryClient } from "@tanstack/react-query";
import { api, client } from "@/api/client";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Icon } from "@/shared/icons";
import { useAction } from "@/shared/useAction";
import { ErrorView } from "@/shared/views";
import { text } from "@/text";

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
        {text.settings.tensorboard}
      </h2>
      <p className="text-dim">{text.settings.tensorboardHint}</p>
      {error && <ErrorView error={error} />}
      <div className="flex flex-wrap items-center gap-2">
        {data?.is_running ? (
          <>
            <a href={data.path} target="_blank" rel="noreferrer" className="button button-primary">
              <Icon name="link" size={18} />
              {text.settings.tensorboardOpen}
            </a>
            <Button isDisabled={stop.isPending} onPress={() => stop.mutate(undefined)}>
              {text.settings.tensorboardStop}
            </Button>
          </>
        ) : (
          <Button isDisabled={!data || start.isPending} onPress={() => start.mutate(undefined)}>
            {start.isPending ? text.settings.tensorboardStarting : text.settings.tensorboardStart}
          </Button>
        )}
        <CurlButton
          actions={[
            { label: text.settings.tensorboardStart, request: START },
            { label: text.settings.tensorboardStop, request: STOP },
          ]}
        />
      </div>
    </section>
  );
}
