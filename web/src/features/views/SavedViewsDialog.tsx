import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client } from "@/api/client";
import type { components } from "@/api/schema";
import type { View } from "@/features/views/SavedViews";
import { t } from "@/i18n";
import { Button, IconButton } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { TextField } from "@/shared/fields";
import { useAction } from "@/shared/useAction";

type Props = { current: View; views: components["schemas"]["SavedView"][]; onClose: () => void };

export default function SavedViewsDialog({ current, views, onClose }: Props) {
  const [name, setName] = useState("");
  const queries = useQueryClient();
  const reload = () => queries.invalidateQueries({ queryKey: ["get", "/api/views"] });
  const trimmed = name.trim();
  const save = useAction(
    () => client.PUT("/api/views/{name}", { params: { path: { name: trimmed } }, body: current }),
    {
      onDone: () => {
        reload();
        onClose();
      },
    },
  );
  const remove = useAction((old: string) => client.DELETE("/api/views/{name}", { params: { path: { name: old } } }), {
    onDone: reload,
  });
  const path = `/api/views/${encodeURIComponent(trimmed || "NAME")}`;
  return (
    <Dialog
      title={t("views.title")}
      isOpen
      onClose={onClose}
      footer={
        <>
          <CurlButton actions={[{ label: t("views.save"), request: { method: "PUT", path, body: current } }]} />
          <Button onPress={onClose}>{t("common.cancel")}</Button>
          <Button variant="primary" isDisabled={!trimmed || save.isPending} onPress={() => save.mutate(undefined)}>
            {t("views.save")}
          </Button>
        </>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (trimmed) save.mutate(undefined);
        }}
      >
        <TextField label={t("views.name")} value={name} onChange={setName} autoFocus />
      </form>
      {views.length > 0 && (
        <ul className="mt-4 divide-y divide-line" aria-label={t("views.title")}>
          {views.map((view) => (
            <li key={view.name} className="flex items-center justify-between gap-3 py-1">
              <span className="truncate">{view.name}</span>
              <IconButton
                icon="trash"
                isSmall
                label={t("views.delete", { name: view.name })}
                onPress={() => remove.mutate(view.name)}
              />
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
