import { useState } from "react";
import { api, type Run } from "@/api/client";
import type { Output } from "@/features/run/useBackups";
import { t } from "@/i18n";
import { CopyButton } from "@/shared/CopyButton";
import { facts } from "@/shared/format";
import { QueryView } from "@/shared/views";

type Props = { run: Run; save: Output; name: string };

/** Which folder of which program takes a model, and what to write there first; asked for when somebody opens it. */
export function Destinations({ run, save, name }: Props) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <details className="basis-full" onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary className="w-fit cursor-pointer text-dim text-small">{t("files.where")}</summary>
      {isOpen && <Uses run={run} save={save} name={name} />}
    </details>
  );
}

function Uses({ run, save, name }: Props) {
  const isElsewhere = /^([/\\]|[a-z]:)/i.test(save.path);
  const path = isElsewhere ? save.path : `runs/${run.id}/${save.path}`;
  const query = api.useQuery("get", "/api/models/info", { params: { query: { path, name } } });
  return (
    <QueryView query={query} rows={2}>
      {(info) => (
        <div className="grid grid-cols-[minmax(0,1fr)] gap-3 pt-3">
          <p>{facts(info.title, info.naming)}</p>
          {info.trigger_words && <p>{t("files.triggers", { words: info.trigger_words })}</p>}
          {info.problems.map((problem) => (
            <p key={problem} className="text-bad">
              {problem}
            </p>
          ))}
          <dl className="grid gap-x-4 gap-y-2 sm:grid-cols-[8rem_minmax(0,1fr)]">
            {info.uses.map((use) => (
              <div key={use.program} className="contents">
                <dt className="font-medium">{use.program}</dt>
                <dd className="grid grid-cols-[minmax(0,1fr)] gap-1">
                  <Line value={use.place} label={t("files.copyPlace", { program: use.program })} />
                  {use.prompt && !use.is_code && (
                    <Line
                      value={use.prompt}
                      label={t("files.copyPrompt", { program: use.program })}
                      title={t("files.prompt")}
                    />
                  )}
                  {use.fault && (
                    <p className="text-small text-warn">
                      {t("files.fault", { program: use.program, fault: use.fault })}
                    </p>
                  )}
                </dd>
              </div>
            ))}
          </dl>
          <p className="text-dim text-small">{t("files.whereHint")}</p>
        </div>
      )}
    </QueryView>
  );
}

/** Something to copy. */
function Line({ value, label, title }: { value: string; label: string; title?: string }) {
  return (
    <div className="flex items-center gap-2">
      {title && <span className="text-dim text-small">{title}</span>}
      <code className="min-w-0 break-words text-small">{value}</code>
      <CopyButton value={value} label={label} />
    </div>
  );
}
