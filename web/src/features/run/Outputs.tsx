import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client, type Run, runArchive, runFileInline } from "@/api/client";
import { Destinations } from "@/features/run/Destinations";
import type { Output } from "@/features/run/useBackups";
import { t } from "@/i18n";
import { Button, IconButton } from "@/shared/Button";
import { type CurlAction, CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { facts, formatBytes, formatCount, formatDateTime } from "@/shared/format";
import { Icon } from "@/shared/icons";
import { isEnded } from "@/shared/status";
import { notify } from "@/shared/toasts";
import { useAction } from "@/shared/useAction";

/** The trained model and what was saved on the way: what the run was for. */
export function Models({ run, saves, files }: { run: Run; saves: Output[]; files: { path: string }[] }) {
  if (saves.length === 0) return null;
  const isFile = (path: string) => files.some((file) => file.path === path);
  return (
    <section aria-labelledby="saves" className="grid gap-3">
      <h2 id="saves" className="text-heading">
        {t("files.models")}
      </h2>
      <ul className="card divide-y divide-line">
        {saves.map((save) => {
          const href = isFile(save.path) ? runFileInline(run.id, save.path) : runArchive(run.id, save.path);
          const actions: CurlAction[] = [{ label: t("common.download"), request: { method: "GET", path: href } }];
          return (
            <OutputRow
              key={save.path}
              run={run}
              icon="save"
              output={save}
              title={save.final ? t("files.result") : t("files.save")}
              actions={actions}
              below={<Destinations run={run} save={save} name={fileName(run, save)} />}
            >
              <a className={`button ${save.final ? "button-primary" : ""}`} href={href} download={fileName(run, save)}>
                <Icon name="download" size={18} />
                {t("common.download")}
              </a>
            </OutputRow>
          );
        })}
      </ul>
    </section>
  );
}

/** Complete states of the training: an ended run goes on from any of them. */
export function Backups({ run, backups }: { run: Run; backups: Output[] }) {
  const resume = useAction(
    (backup: string) =>
      client.POST("/api/runs/{run_id}/resume", { params: { path: { run_id: run.id } }, body: { backup } }),
    { done: t("files.resumed") },
  );
  if (backups.length === 0) return null;
  return (
    <section aria-labelledby="backups" className="grid gap-3">
      <div>
        <h2 id="backups" className="text-heading">
          {t("files.backups")}
        </h2>
        <p className="text-dim">{t("files.backupsHint")}</p>
      </div>
      <ul className="card divide-y divide-line">
        {backups.map((backup) => {
          const href = runArchive(run.id, backup.path);
          const resumePath = `/api/runs/${run.id}/resume`;
          return (
            <OutputRow
              key={backup.path}
              run={run}
              icon="backup"
              isNeeded={!isEnded(run.status)}
              output={backup}
              title={t("files.backup")}
              actions={[
                {
                  label: t("files.resume"),
                  request: { method: "POST", path: resumePath, body: { backup: backup.name } },
                },
                { label: t("common.download"), request: { method: "GET", path: href } },
              ]}
            >
              <a
                className="button button-quiet button-icon"
                href={href}
                download
                aria-label={t("files.download", { name: backup.name })}
              >
                <Icon name="download" size={18} />
              </a>
              <Button
                icon="resume"
                isDisabled={!isEnded(run.status) || resume.isPending || Boolean(backup.damage)}
                onPress={() => resume.mutate(backup.name)}
              >
                {t("files.resume")}
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
  const name = save.final
    ? run.name
    : t("files.atStep", { what: run.name, step: formatCount(save.progress.global_step) });
  return name + (save.path.match(/\.\w+$/)?.[0] ?? "");
}

type RowProps = {
  run: Run;
  icon: "save" | "backup";
  output: Output;
  title: string;
  actions: CurlAction[];
  isNeeded?: boolean;
  below?: React.ReactNode;
  children: React.ReactNode;
};

function OutputRow({ run, icon, output, title, actions, isNeeded = false, below, children }: RowProps) {
  const [isDeleting, setIsDeleting] = useState(false);
  const what = t("files.atStep", { what: title, step: formatCount(output.progress.global_step) });
  const remove: CurlAction = {
    label: t("files.delete", { what }),
    request: { method: "DELETE", path: runFileInline(run.id, output.path) },
  };
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-3 p-4">
      <Icon name={icon} className={output.final ? "text-good" : "text-faint"} />
      <div className="min-w-48 grow basis-0">
        <p className="font-medium">{what}</p>
        <p className="break-words text-dim text-small">
          {facts(output.name, formatBytes(output.size), formatDateTime(output.time))}
        </p>
        {output.damage && (
          <p className="break-words text-bad text-small">{t("files.damaged", { reason: output.damage })}</p>
        )}
      </div>
      <div className="run-actions">
        {children}
        <CurlButton actions={[...actions, remove]} />
        <IconButton
          icon="trash"
          variant="danger"
          label={remove.label}
          isDisabled={isNeeded}
          onPress={() => setIsDeleting(true)}
        />
      </div>
      {below}
      {isDeleting && <DeleteDialog run={run} output={output} what={what} onClose={() => setIsDeleting(false)} />}
    </li>
  );
}

function DeleteDialog(props: { run: Run; output: Output; what: string; onClose: () => void }) {
  const { run, output, what, onClose } = props;
  const queries = useQueryClient();
  const path = { run_id: run.id, path: output.path };
  const remove = useAction(() => client.DELETE("/api/runs/{run_id}/files/{path}", { params: { path } }), {
    onDone: (deleted) => {
      notify("done", t("runs.deleted", { size: formatBytes(deleted.freed_bytes) }));
      onClose();
      for (const list of ["saves", "backups", "files"] as const)
        queries.invalidateQueries({ queryKey: ["get", `/api/runs/{run_id}/${list}`] });
    },
  });
  return (
    <Dialog
      title={t("files.deleteTitle", { what })}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{t("common.cancel")}</Button>
          <Button variant="destroy" autoFocus isDisabled={remove.isPending} onPress={() => remove.mutate(undefined)}>
            {t("runs.delete")}
          </Button>
        </>
      }
    >
      <p>{t("files.deleteHint", { name: output.name, size: formatBytes(output.size) })}</p>
    </Dialog>
  );
}
