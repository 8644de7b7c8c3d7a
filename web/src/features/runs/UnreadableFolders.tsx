import { useState } from "react";
import type { components } from "@/api/schema";
import { DeleteFolderDialog } from "@/features/runs/DeleteFolderDialog";
import { t } from "@/i18n";
import { IconButton } from "@/shared/Button";
import { Icon } from "@/shared/icons";

type Folder = components["schemas"]["UnreadableFolder"];

/** What lies among the runs and is none: each with the reason, and the way to be rid of it. */
export default function UnreadableFolders({ folders }: { folders: Folder[] }) {
  const [doomed, setDoomed] = useState<Folder | null>(null);
  return (
    <section aria-labelledby="unreadable" className="mt-8 grid gap-3">
      <h2 id="unreadable" className="text-heading">
        {t("runs.unreadable", { count: folders.length })}
      </h2>
      <ul className="card divide-y divide-line">
        {folders.map((folder) => (
          <li key={folder.id} className="flex items-start gap-3 p-3">
            <Icon name="warning" className="mt-2 text-warn" />
            <div className="min-w-0 grow py-1">
              <p className="break-words font-medium">{folder.name}</p>
              <p className="break-words text-dim text-small">{folder.reason}</p>
            </div>
            <IconButton
              icon="trash"
              label={t("files.delete", { what: folder.name })}
              onPress={() => setDoomed(folder)}
            />
          </li>
        ))}
      </ul>
      {doomed && (
        <DeleteFolderDialog
          runId={doomed.id}
          title={t("files.deleteTitle", { what: doomed.name })}
          onClose={() => setDoomed(null)}
        >
          {t("runs.deleteUnreadable")}
        </DeleteFolderDialog>
      )}
    </section>
  );
}
