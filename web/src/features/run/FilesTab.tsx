import { useState } from "react";
import { api, type Run, runFile } from "@/api/client";
import { CurlButton } from "@/shared/Curl";
import { TextField } from "@/shared/fields";
import { formatBytes, formatCount, formatDateTime } from "@/shared/format";
import { Icon } from "@/shared/icons";
import { Empty, QueryView } from "@/shared/views";
import { text } from "@/text";

const MOST = 10_000;
const SHOWN = 300;

type File = { path: string; size: number; modified: string };

export default function FilesTab({ run }: { run: Run }) {
  const query = api.useQuery("get", "/api/runs/{run_id}/files", {
    params: { path: { run_id: run.id }, query: { limit: MOST } },
  });
  return (
    <QueryView query={query}>
      {({ files }) => (
        <div className="grid gap-6">
          <Result run={run} files={files} />
          <AllFiles run={run} files={files} />
        </div>
      )}
    </QueryView>
  );
}

/** The trained model first: it is what the run was for. */
function Result({ run, files }: { run: Run; files: File[] }) {
  const saves = api.useQuery("get", "/api/runs/{run_id}/saves", { params: { path: { run_id: run.id } } });
  if (!saves.data || saves.data.outputs.length === 0) return null;
  return (
    <section aria-labelledby="saves" className="grid gap-3">
      <h2 id="saves" className="text-heading">
        {text.files.models}
      </h2>
      <ul className="card divide-y divide-line">
        {saves.data.outputs.map((save) => {
          const isFile = files.some((file) => file.path === save.path);
          const href = runFile(run.id, save.path);
          return (
            <li key={save.path} className="flex flex-wrap items-center gap-4 p-4">
              <Icon name="save" className={save.final ? "text-good" : "text-faint"} />
              <div className="min-w-0 grow">
                <p className="break-words font-medium">{save.name}</p>
                <p className="text-dim text-small">
                  {save.final ? text.files.result : text.files.save} ·{" "}
                  {text.samples.atStep(formatCount(save.progress.global_step))} · {formatBytes(save.size)}
                </p>
              </div>
              {isFile ? (
                <>
                  <a className="button button-primary" href={href} download>
                    <Icon name="download" size={18} />
                    {text.common.download}
                  </a>
                  <CurlButton actions={[{ label: text.common.download, request: { method: "GET", path: href } }]} />
                </>
              ) : (
                <span className="break-all text-dim text-small">{text.files.folder(save.path)}</span>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function AllFiles({ run, files }: { run: Run; files: File[] }) {
  const [search, setSearch] = useState("");
  const matching = files.filter((file) => file.path.toLowerCase().includes(search.toLowerCase()));
  const size = files.reduce((sum, file) => sum + file.size, 0);
  if (files.length === 0) return <Empty icon="file" title={text.files.none} />;
  return (
    <section aria-labelledby="files" className="grid gap-3">
      <div className="flex flex-wrap items-end gap-4">
        <h2 id="files" className="grow text-heading">
          {text.files.all(formatCount(files.length), formatBytes(size))}
        </h2>
        <TextField
          label={text.files.search}
          isLabelHidden
          placeholder={text.files.search}
          value={search}
          onChange={setSearch}
          className="w-full sm:w-72"
        />
      </div>
      <div className="card overflow-x-auto">
        <table className="table">
          <caption className="sr-only">{text.files.models}</caption>
          <thead>
            <tr>
              <th scope="col">{text.files.path}</th>
              <th scope="col" className="text-right">
                {text.files.size}
              </th>
              <th scope="col" className="max-sm:hidden">
                {text.files.modified}
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
        <p className="text-dim text-small">{text.files.more(formatCount(matching.length - SHOWN))}</p>
      )}
    </section>
  );
}
