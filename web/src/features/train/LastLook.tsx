import { Link, useNavigate } from "@tanstack/react-router";
import { api, client } from "@/api/client";
import { bringConfig } from "@/features/config/current";
import { ProblemList } from "@/features/config/Problems";
import type { Config } from "@/features/config/paths";
import { useIssues } from "@/features/config/useIssues";
import { answer } from "@/features/train/answers";
import { type Answers, plannedSteps } from "@/features/train/plan";
import { Step } from "@/features/train/Step";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { TextField } from "@/shared/fields";
import { formatCount } from "@/shared/format";
import { Icon } from "@/shared/icons";
import { useAction } from "@/shared/useAction";
import { useSettled } from "@/shared/useSettled";

type Props = { answers: Answers; config: Config; numPictures: number };

/** What is about to happen, what speaks against it, and the start. */
export function LastLook({ answers, config, numPictures }: Props) {
  const navigate = useNavigate();
  const report = useIssues(config, true);
  const trigger = answers.trigger.trim();
  const body = { config_dict: config, name: answers.name.trim() || trigger || answers.dataset, kind: "train" } as const;
  const path = { name: answers.dataset };
  const captions = { prefix: `${trigger}, `, suffix: "", find: "", replace: "", match_case: false, remove_tags: [] };
  const start = useAction(
    async () => {
      if (trigger) {
        const written = await client.POST("/api/datasets/{name}/captions/edit", { params: { path }, body: captions });
        if (written.error !== undefined) return { error: written.error };
      }
      return client.POST("/api/runs", { body });
    },
    { onDone: (run) => navigate({ to: "/runs/$runId", params: { runId: run.id } }) },
  );
  const edit = useAction(() => bringConfig(config), { onDone: () => navigate({ to: "/configure" }) });
  const isReady = numPictures > 0 && report.isChecked && report.numErrors === 0;
  return (
    <Step number={5} title={t("train.look")} isDone={isReady}>
      {numPictures > 0 ? (
        <Forecast dataset={answers.dataset} config={config} />
      ) : (
        <p className="text-dim">{t("train.picturesFirst")}</p>
      )}
      {trigger && numPictures > 0 && <p className="text-dim">{t("train.triggerWrites", { trigger })}</p>}
      {numPictures > 0 && !report.isChecked && <p className="text-dim">{t("config.checking")}</p>}
      {numPictures > 0 && (
        <ProblemList
          report={report}
          onJump={(field) =>
            edit.mutate(undefined, { onSuccess: () => navigate({ to: "/configure", search: { field } }) })
          }
        />
      )}
      <TextField
        label={t("runs.name")}
        placeholder={trigger || answers.dataset || t("config.namePlaceholder")}
        value={answers.name}
        onChange={(name) => answer({ name })}
        className="max-w-96"
      />
      <div className="flex flex-wrap items-center gap-2">
        <Button
          variant="primary"
          icon="play"
          className="max-sm:grow"
          isDisabled={!isReady || start.isPending}
          onPress={() => start.mutate(undefined)}
        >
          {t("config.start")}
        </Button>
        <Button icon="tune" isDisabled={edit.isPending} onPress={() => edit.mutate(undefined)}>
          {t("train.edit")}
        </Button>
        <CurlButton
          actions={[
            ...(trigger
              ? [
                  {
                    label: t("train.trigger"),
                    request: {
                      method: "POST",
                      path: `/api/datasets/${encodeURIComponent(answers.dataset)}/captions/edit`,
                      body: captions,
                    } as const,
                  },
                ]
              : []),
            { label: t("config.start"), request: { method: "POST", path: "/api/runs", body } },
          ]}
        />
      </div>
    </Step>
  );
}

/** Steps, and what of the pictures is cropped or waits, as the training will have them. */
function Forecast({ dataset, config }: { dataset: string; config: Config }) {
  const resolution = useSettled(String(config.resolution));
  const batch = useSettled(Math.max(1, Math.trunc(Number(config.batch_size)) || 1));
  const { data } = api.useQuery(
    "get",
    "/api/datasets/{name}/statistics",
    { params: { path: { name: dataset }, query: { resolution, batch_size: batch } } },
    { placeholderData: (before) => before, refetchOnMount: "always" },
  );
  if (!data) return null;
  const steps = plannedSteps(config, data.buckets);
  const waiting = data.buckets.reduce((sum, bucket) => sum + bucket.left_over, 0);
  const most = Math.max(0, ...data.buckets.map((bucket) => bucket.most_cropped_percent));
  const rows: [string, string][] = [
    [t("train.steps"), steps === null ? t("common.unknown") : formatCount(steps)],
    [t("train.sizes"), formatCount(data.buckets.length)],
    [t("train.cropped"), t("percent", { percent: Math.round(most) })],
    [t("train.waiting"), formatCount(waiting)],
  ];
  return (
    <>
      <dl className="grid grid-cols-2 gap-4 sm:grid-cols-4">
        {rows.map(([label, value]) => (
          <div key={label} className="flex flex-col-reverse justify-end">
            <dt className="text-faint text-small">{label}</dt>
            <dd className="font-semibold text-heading">{value}</dd>
          </div>
        ))}
      </dl>
      {data.broken.length > 0 && (
        <p className="flex gap-2 text-warn">
          <Icon name="warning" size={18} />
          <Link to="/datasets" search={{ dataset }} className="underline">
            {t("train.broken", { count: data.broken.length })}
          </Link>
        </p>
      )}
    </>
  );
}
