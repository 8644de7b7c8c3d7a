import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, client, type Run } from "@/api/client";
import { configTitle, sortConfigs } from "@/features/config/configTitle";
import { DifferenceTable } from "@/features/config/DifferenceTable";
import { t } from "@/i18n";
import { CopyButton } from "@/shared/CopyButton";
import { Icon } from "@/shared/icons";
import { type Option, SelectField } from "@/shared/SelectField";
import { Empty, ErrorView, Loading, QueryView } from "@/shared/views";

const NOTHING = "nothing";
const DEFAULTS = "defaults";

/** What the run was made with, alone or beside something else. */
export default function ConfigurationTab({ run }: { run: Run }) {
  const query = api.useQuery("get", "/api/runs/{run_id}/config", { params: { path: { run_id: run.id } } });
  const [other, setOther] = useState(DEFAULTS);
  const others = useOthers(run);
  return (
    <QueryView query={query}>
      {(config) => (
        <div className="grid gap-4">
          <div className="flex flex-wrap items-end gap-2">
            <SelectField
              className="w-80 max-w-full"
              label={t("configuration.compareWith")}
              value={other}
              options={others}
              onChange={setOther}
            />
            <span className="grow" />
            <div className="flex items-center gap-2">
              <CopyButton value={JSON.stringify(config, null, 2)} label={t("configuration.copy")} />
              <a
                className="button"
                download={`${run.name}.json`}
                href={`data:application/json;charset=utf-8,${encodeURIComponent(JSON.stringify(config, null, 2))}`}
              >
                <Icon name="download" size={18} />
                {t("common.download")}
              </a>
            </div>
          </div>
          {other === NOTHING ? (
            <pre className="code overflow-auto">{JSON.stringify(config, null, 2)}</pre>
          ) : (
            <Differences run={run} other={other} name={others.find((one) => one.value === other)?.label ?? other} />
          )}
        </div>
      )}
    </QueryView>
  );
}

/** What a run can be held against: other runs before the many presets. */
function useOthers(run: Run): Option[] {
  const { data: configs } = api.useQuery("get", "/api/config/list");
  const { data: runs } = api.useQuery("get", "/api/runs", { params: { query: { kind: "train", limit: 100 } } });
  return [
    { value: DEFAULTS, label: t("configuration.toDefaults") },
    { value: NOTHING, label: t("configuration.whole") },
    ...(runs?.runs ?? [])
      .filter((one) => one.id !== run.id)
      .map((one) => ({ value: `run:${one.id}`, label: t("configuration.toRun", { name: one.name }) })),
    ...sortConfigs(configs?.details ?? []).map((one) => ({
      value: `config:${one.name}`,
      label: t("configuration.toPreset", { name: configTitle(one) }),
    })),
  ];
}

async function readDifferences(runId: string, other: string) {
  const [kind, name = ""] = other.split(/:(.*)/s);
  const right = kind === "run" ? { run_id: name } : kind === "config" ? { name } : {};
  const { data, error } = await client.POST("/api/config/diff", { body: { left: { run_id: runId }, right } });
  if (error !== undefined) throw error;
  return data;
}

function Differences({ run, other, name }: { run: Run; other: string; name: string }) {
  const { data, error } = useQuery({
    queryKey: ["config-differences", run.id, other],
    queryFn: () => readDifferences(run.id, other),
  });
  if (error) return <ErrorView error={error} />;
  if (data === undefined) return <Loading />;
  if (data.length === 0) return <Empty icon="check" title={t("configuration.same")} />;
  return (
    <DifferenceTable
      caption={t("configuration.compare")}
      columns={[t("configuration.here"), name]}
      rows={data.map((one) => ({ ...one, values: [one.left, one.right] }))}
    />
  );
}
