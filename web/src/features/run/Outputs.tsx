import { api, client, type Run, runArchive, runFileInline } from "@/api/client";
import { type Output, useBackups } from "@/features/run/useBackups";
import { Button } from "@/shared/Button";
import { type CurlAction, CurlButton } from "@/shared/Curl";
import { formatBytes, formatCount, formatDateTime } from "@/shared/format";
import { Icon } from "@/shared/icons";
import { isEnded } from "@/shared/status";
import { useAction } from "@/shared/useAction";
import { text } from "@/text";

/** The trained model and what was saved on the way: what the run was for. */
export function Models({ run, isFile }: { run: Run; isFile: (path: string) => boolean }) {
  const path = { run_id: run.id };
  const { data } = api.useQuery("get", "/api/runs/{run_id}/saves", { params: { path } }, { refetchOnMount: "always" });
  if (!data?.outputs.length) return null;
  return (
    <section aria-labelledby="saves" className="grid gap-3">
      <h2 id="saves" className="text-heading">
        {text.files.models}
      </h2>
      <ul className="card divide-y divide-line">
        {data.outputs.map((save) => {
          const href = isFile(save.path) ? runFileInline(run.id, save.path) : runArchive(run.id, save.path);
          const actions: CurlAction[] = [{ label: text.common.download, request: { method: "GET", path: href } }];
          return (
            <OutputRow
              key={save.path}
              icon="save"
              output={save}
              title={save.final ? text.files.result : text.files.save}
              actions={actions}
            >
              <a className={`button ${save.final ? "button-primary" : ""}`} href={href} download={fileName(run, save)}>
                <Icon name="download" size={18} />
                {text.common.download}
              </a>
            </OutputRow>
          );
        })}
      </ul>
    </section>
  );
}

/** Complete states of the training: an ended run goes on from any of them. */
export function Backups({ run }: { run: Run }) {
  const backups = useBackups(run);
  const resume = useAction(
    (backup: string) =>
      client.POST("/api/runs/{run_id}/resume", { params: { path: { run_id: run.id } }, body: { backup } }),
    { done: text.files.resumed },
  );
  if (!backups?.length) return null;
  return (
    <section aria-labelledby="backups" className="grid gap-3">
      <div>
        <h2 id="backups" className="text-heading">
          {text.files.backups}
        </h2>
        <p className="text-dim">{text.files.backupsHint}</p>
      </div>
      <ul className="card divide-y divide-line">
        {backups.map((backup) => {
          const href = runArchive(run.id, backup.path);
          const resumePath = `/api/runs/${run.id}/resume`;
          return (
            <OutputRow
              key={backup.path}
              icon="backup"
              output={backup}
              title={text.files.backup}
              actions={[
                {
                  label: text.files.resume,
                  request: { method: "POST", path: resumePath, body: { backup: backup.name } },
                },
                { label: text.common.download, request: { method: "GET", path: href } },
              ]}
            >
              <a className="button button-quiet" href={href} download>
                {text.common.download}
              </a>
              <Button
                icon="resume"
                isDisabled={!isEnded(run.status) || resume.isPending}
                onPress={() => resume.mutate(backup.name)}
              >
                {text.files.resume}
              </Button>
            </OutputRow>
          );
        })}
      </ul>
    </section>
  );
}

/** A file in a folder full of LoRAs should say what it is: after the run, and at which step if it was not its end. */
function fileName(run: Run, save: Output): string {
  const name = save.final ? run.name : text.files.atStep(run.name, formatCount(save.progress.global_step));
  return name + (save.path.match(/\.\w+$/)?.[0] ?? "");
}

type RowProps = {
  icon: "save" | "backup";
  output: Output;
  title: string;
  actions: CurlAction[];
  children: React.ReactNode;
};

function OutputRow({ icon, output, title, actions, children }: RowProps) {
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-3 p-4">
      <Icon name={icon} className={output.final ? "text-good" : "text-faint"} />
      <div className="min-w-48 grow basis-0">
        <p className="font-medium">{text.files.atStep(title, formatCount(output.progress.global_step))}</p>
        <p className="break-words text-dim text-small">
          {text.facts(output.name, formatBytes(output.size), formatDateTime(output.time))}
        </p>
      </div>
      <div className="run-actions">
        {children}
        <CurlButton actions={actions} />
      </div>
    </li>
  );
}
