import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, client } from "@/api/client";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { TextField } from "@/shared/fields";
import { listed } from "@/shared/format";
import { notify } from "@/shared/toasts";
import { useAction } from "@/shared/useAction";
import { errorText } from "@/shared/views";

type Draft = { find: string; replace: string; removeTags: string; prefix: string; suffix: string };

const NOTHING: Draft = { find: "", replace: "", removeTags: "", prefix: "", suffix: "" };
const SHOWN = 50;

function toEdit(draft: Draft) {
  return {
    find: draft.find,
    replace: draft.replace,
    match_case: false,
    remove_tags: draft.removeTags
      .split(",")
      .map((tag) => tag.trim())
      .filter(Boolean),
    prefix: draft.prefix,
    suffix: draft.suffix,
  };
}

/** One change to all captions: seen before it is written, and undone with one press, later too. */
export default function EditCaptionsDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const [draft, setDraft] = useState(NOTHING);
  const queries = useQueryClient();
  const edit = toEdit(draft);
  const isEmpty = !(edit.find || edit.remove_tags.length || edit.prefix || edit.suffix);
  const params = { path: { name } };
  const one = api.useQuery("get", "/api/datasets/{name}/pictures", { params: { ...params, query: { limit: 1 } } });
  const preview = useQuery({
    queryKey: ["caption-preview", name, edit],
    enabled: !isEmpty,
    gcTime: 0,
    placeholderData: (before) => before,
    queryFn: async () => {
      const { data, error } = await client.POST("/api/datasets/{name}/captions/preview", {
        params,
        body: edit,
      });
      if (error !== undefined) throw error;
      return data.changes;
    },
  });
  const changes = isEmpty ? [] : (preview.data ?? []);
  const reread = () => {
    queries.invalidateQueries({ queryKey: ["get", "/api/datasets/{name}/pictures"] });
    queries.invalidateQueries({ queryKey: ["caption-preview", name] });
  };
  const write = useAction(() => client.POST("/api/datasets/{name}/captions/edit", { params, body: edit }), {
    onDone: reread,
  });
  const takeBack = useAction(() => client.POST("/api/datasets/{name}/captions/undo", { params }), {
    onDone: ({ restored, kept }) => {
      notify(
        "done",
        kept.length > 0
          ? t("datasets.undoneBut", { count: restored, names: listed(kept) })
          : t("datasets.undone", { count: restored }),
      );
      reread();
    },
  });
  const isBusy = write.isPending || takeBack.isPending;
  const set = (key: keyof Draft) => (value: string) => setDraft({ ...draft, [key]: value });
  const path = `/api/datasets/${encodeURIComponent(name)}/captions`;
  const request = { method: "POST", path: `${path}/preview`, body: edit } as const;
  return (
    <Dialog
      title={t("datasets.edit")}
      isOpen
      isWide
      onClose={onClose}
      footer={
        <>
          <CurlButton
            actions={[
              { label: t("datasets.preview"), request },
              {
                label: t("datasets.apply", { count: changes.length }),
                request: { method: "POST", path: `${path}/edit`, body: edit },
              },
              { label: t("datasets.undo"), request: { method: "POST", path: `${path}/undo` } },
            ]}
          />
          {one.data?.can_undo && (
            <Button icon="undo" isDisabled={isBusy} onPress={() => takeBack.mutate(undefined)}>
              {t("datasets.undo")}
            </Button>
          )}
          <Button onPress={onClose}>{t("common.close")}</Button>
          <Button variant="primary" isDisabled={changes.length === 0 || isBusy} onPress={() => write.mutate(undefined)}>
            {t("datasets.apply", { count: changes.length })}
          </Button>
        </>
      }
    >
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField label={t("datasets.find")} value={draft.find} onChange={set("find")} autoFocus />
        <TextField label={t("datasets.replace")} value={draft.replace} onChange={set("replace")} />
        <TextField label={t("datasets.prefix")} value={draft.prefix} onChange={set("prefix")} />
        <TextField label={t("datasets.suffix")} value={draft.suffix} onChange={set("suffix")} />
        <TextField
          label={t("datasets.removeTags")}
          value={draft.removeTags}
          onChange={set("removeTags")}
          className="sm:col-span-2"
        />
      </div>
      {preview.error && <p className="problem">{errorText(preview.error)}</p>}
      <p role="status" className="text-dim">
        {isEmpty ? t("datasets.editHint") : t("datasets.wouldChange", { count: changes.length })}
      </p>
      <ul className="grid max-h-72 gap-2 overflow-y-auto">
        {changes.slice(0, SHOWN).map((one) => (
          <li key={one.name} className="grid gap-0.5 rounded-control bg-sunken p-3 text-small">
            <span className="text-faint">{one.name}</span>
            <del className="whitespace-pre-line text-dim">{one.before}</del>
            <ins className="whitespace-pre-line no-underline">{one.after}</ins>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
