import { useState } from "react";
import { api, type Run, runArchive, runFile } from "@/api/client";
import { Backups, Models } from "@/features/run/Outputs";
import { t } from "@/i18n";
import { CurlButton } from "@/shared/Curl";
import { TextField } from "@/shared/fields";
import { formatBytes, formatCount, formatDateTime } from "@/shared/format";
import { Icon } from "@/shared/icons";
import { Empty, QueryView } from "@/shared/views";

const MOST = 10_000;
const SHOWN = 300;

type File = { path: string; size: number; modified: string };

export default function FilesTab({ run }: { run: Run }) {
  const path = { run_id: run.id };
  const always = { refetchOnMount: "always" } as const;
  const all = { params: { path, query: { limit: MOST } } };
  const files = api.useQuery("get", "/api/runs/{run_id}/files", all, always);
  const saves = api.useQuery("get", "/api/runs/{run_id}/saves", { params: { path } }, always);
  const backups = api.useQuery("get", "/api/runs/{run_id}/backups", { params: { path } }, always);
  // Nothing is shown before all is known: what came later would push the rest down.
  const query = [saves, backups].find((one) => one.data === undefined) ?? files;
  return (
    <QueryView query={query}>
      {() => (
        <div className="grid grid-cols-[minmax(0,1fr)] gap-6">
          <Models run={run} saves={saves.data?.outputs ?? []} files={files.data?.files ?? []} />
          <Backups run={run} backups={backups.data?.outputs ?? []} />
          <AllFiles run={run} files={files.data?.files ?? []} />
        </div>
      )}
    </QueryView>
  );
}

/** Everything in the folder of the run, for those who look for something particular. */
function AllFiles({ run, files }: { run: Run; files: File[] }) {
  const [search, setSearch] = useState("");
  const matching = files.filter((file) => file.path.toLowerCase().includes(search.toLowerCase()));
  const size = files.reduce((sum, file) => sum + file.size, 0);
  const archive = runArchive(run.id);
  if (files.length === 0) return <Empty icon="file" title={t("files.none")} />;
  return (
    <details className="card">
      <summary className="cursor-pointer p-4 font-medium">
        {t("files.all", { count: formatCount(files.length), size: formatBytes(size) })}
      </summary>
      <div className="flex flex-wrap items-center gap-2 px-4 pb-4">
        <TextField
          label={t("files.search")}
          isLabelHidden
          placeholder={t("files.search")}
          value={search}
          onChange={setSearch}
          className="w-full sm:w-72"
        />
        <span className="grow" />
        <a className="button" href={archive} download>
          <Icon name="download" size={18} />
          {t("files.zip")}
        </a>
        <CurlButton actions={[{ label: t("files.zip"), request: { method: "GET", path: archive } }]} />
      </div>
      <div className="overflow-x-auto border-line border-t">
        <table className="table">
          <caption className="sr-only">{t("run.tabs.files")}</caption>
          <thead>
            <tr>
              <th scope="col">{t("files.path")}</th>
              <th scope="col" className="text-right">
                {t("files.size")}
              </th>
              <th scope="col" className="max-sm:hidden">
                {t("files.modified")}
              </th>
            </tr>
          </thead>
          <tbody>
            {matching.slice(0, SHOWN).map((file) => (
              <tr key={file.path}>
                <td className="break-all">
                  <a href={runFile(run.id, file.path)} download className="text-accent hover:underline">
                    {file.path}
                  </a>
                </td>
                <td className="whitespace-nowrap text-right">{formatBytes(file.size)}</td>
                <td className="whitespace-nowrap text-dim max-sm:hidden">{formatDateTime(file.modified)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {matching.length > SHOWN && (
        <p className="p-4 text-dim text-small">{t("files.more", { count: formatCount(matching.length - SHOWN) })}</p>
      )}
    </details>
  );
}
