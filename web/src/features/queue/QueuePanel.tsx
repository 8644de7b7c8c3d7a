import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Button as AriaButton, GridList, GridListItem, useDragAndDrop } from "react-aria-components";
import { client, type Queue, type Run, STOP_WITHOUT_SAVING } from "@/api/client";
import type { Request } from "@/api/curl";
import { reorder } from "@/features/queue/reorder";
import { RunMenu } from "@/features/runs/RunMenu";
import { t } from "@/i18n";
import { IconButton } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { formatEnum } from "@/shared/format";
import { Icon } from "@/shared/icons";
import { useAction } from "@/shared/useAction";

const QUEUE_KEY = ["get", "/api/queue"];

/** The waiting runs: drag them into order (or use the keyboard), pause, take one out. */
export default function QueuePanel({ queue, runs }: { queue: Queue; runs: Run[] }) {
  const queries = useQueryClient();
  const order = useAction((run_ids: string[]) => client.PATCH("/api/queue", { body: { run_ids } }), {
    onDone: (next) => queries.setQueryData(QUEUE_KEY, next),
  });
  const pause = useAction((paused: boolean) => client.PATCH("/api/queue", { body: { paused } }), {
    onDone: (next) => queries.setQueryData(QUEUE_KEY, next),
  });
  const ids = queue.run_ids;
  const { dragAndDropHooks } = useDragAndDrop({
    getItems: (keys) => [...keys].map((key) => ({ "text/plain": String(key) })),
    onReorder: ({ keys, target }) => {
      const place = target.dropPosition === "after" ? "after" : "before";
      order.mutate(reorder(ids, new Set([...keys].map(String)), String(target.key), place));
    },
  });
  const byId = new Map(runs.map((run) => [run.id, run]));
  return (
    <section aria-labelledby="queue" className="card overflow-hidden">
      <header className="flex min-h-(--queue-item) items-center gap-2 border-line border-b pr-2 pl-4">
        <h2 id="queue" className="grow font-semibold">
          {t("queue.title", { count: ids.length })}
          {queue.paused && <span className="ml-2 font-normal text-small text-warn">{t("queue.paused")}</span>}
        </h2>
        <CurlButton
          actions={[
            {
              label: queue.paused ? t("queue.resume") : t("queue.pause"),
              request: { method: "PATCH", path: "/api/queue", body: { paused: !queue.paused } },
            },
            ...ids.map((id) => ({
              label: t("queue.remove", { name: byId.get(id)?.name ?? id }),
              request: leaveRequest(id),
            })),
            { label: t("queue.order"), request: { method: "PATCH", path: "/api/queue", body: { run_ids: ids } } },
          ]}
          isSmall
        />
        <IconButton
          isSmall
          icon={queue.paused ? "play" : "pause"}
          label={queue.paused ? t("queue.resume") : t("queue.pause")}
          onPress={() => pause.mutate(!queue.paused)}
        />
      </header>
      {ids.length > 0 && (
        <GridList
          aria-label={t("queue.label")}
          dragAndDropHooks={dragAndDropHooks}
          items={ids.map((id) => ({ id, run: byId.get(id) }))}
          dependencies={[runs]}
          className="queue"
        >
          {({ id, run }) => <QueueItem id={id} run={run} />}
        </GridList>
      )}
    </section>
  );
}

function leaveRequest(id: string): Request {
  return { method: "POST", path: `/api/runs/${id}/stop`, body: STOP_WITHOUT_SAVING };
}

function QueueItem({ id, run }: { id: string; run: Run | undefined }) {
  const name = run?.name ?? id;
  const remove = useAction(() =>
    client.POST("/api/runs/{run_id}/stop", { params: { path: { run_id: id } }, body: STOP_WITHOUT_SAVING }),
  );
  return (
    <GridListItem id={id} textValue={name} className="queue-item">
      <AriaButton
        slot="drag"
        aria-label={t("queue.drag", { name })}
        className="button button-quiet button-small button-icon cursor-grab"
      >
        <Icon name="drag" size={18} />
      </AriaButton>
      <Link to="/runs/$runId" params={{ runId: id }} className="min-w-0 grow truncate">
        {name} {run && <span className="ml-2 text-faint text-small">{formatEnum(run.training_method)}</span>}
      </Link>
      {run && <RunMenu run={run} />}
      <IconButton icon="close" isSmall label={t("queue.remove", { name })} onPress={() => remove.mutate(undefined)} />
    </GridListItem>
  );
}
