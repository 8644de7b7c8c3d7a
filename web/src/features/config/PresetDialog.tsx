import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, client } from "@/api/client";
import { configTitle, sortConfigs } from "@/features/config/configTitle";
import { replaceConfig } from "@/features/config/current";
import { DifferenceTable } from "@/features/config/DifferenceTable";
import type { Editor } from "@/features/config/editor";
import { numLost, OWN, type Own, withOwn } from "@/features/config/own";
import type { Config } from "@/features/config/paths";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { Switch } from "@/shared/fields";
import { SelectField } from "@/shared/SelectField";
import { Empty, ErrorView, Loading } from "@/shared/views";

/** Choose a preset or a saved configuration, and see first what it changes. */
export default function PresetDialog({ editor, onClose }: { editor: Editor; onClose: () => void }) {
  const { data: list } = api.useQuery("get", "/api/config/list");
  const [chosen, setChosen] = useState<string | null>(null);
  const [given, setGiven] = useState<ReadonlySet<Own>>(new Set());
  const names = sortConfigs(list?.details ?? []);
  const name = chosen ?? names[0]?.name ?? "";
  const { data: preset } = api.useQuery(
    "get",
    "/api/config/load/{config_name}",
    { params: { path: { config_name: name } } },
    { enabled: name !== "", gcTime: 0 },
  );
  const asked = OWN.filter((own) => preset && numLost(editor.config, preset, own) > 0);
  const kept = asked.filter((own) => !given.has(own));
  const next = preset && withOwn(editor.config, preset, kept);
  const load = () => {
    if (next) replaceConfig(editor, next);
    onClose();
  };
  return (
    <Dialog
      title={t("config.loadTitle")}
      isOpen
      isWide
      onClose={onClose}
      footer={
        <>
          {name && (
            <CurlButton
              actions={[{ label: t("config.load"), request: { method: "GET", path: `/api/config/load/${name}` } }]}
            />
          )}
          <Button onPress={onClose}>{t("common.cancel")}</Button>
          <Button variant="primary" isDisabled={!next} onPress={load}>
            {t("config.apply")}
          </Button>
        </>
      }
    >
      {names.length > 0 && name && (
        <>
          <SelectField
            label={t("config.preset")}
            value={name}
            options={names.map((one) => ({ value: one.name, label: configTitle(one) }))}
            onChange={setChosen}
          />
          <Notes name={name} />
          {asked.map((own) => (
            <Switch
              key={own}
              label={t(`config.keep.${own}`, { count: (editor.config[own] as unknown[]).length })}
              isSelected={!given.has(own)}
              onChange={(isKept) =>
                setGiven(new Set(isKept ? [...given].filter((one) => one !== own) : [...given, own]))
              }
            />
          ))}
          {next ? <Preview editor={editor} next={next} /> : <Loading rows={2} />}
        </>
      )}
    </Dialog>
  );
}

/** What of a file changed by hand could not be taken as it stands. */
function Notes({ name }: { name: string }) {
  const { data } = api.useQuery("get", "/api/config/notes/{config_name}", { params: { path: { config_name: name } } });
  if (!data || data.notes.length === 0) return null;
  return (
    <ul className="text-dim">
      {data.notes.map((note) => (
        <li key={note.path}>{note.message}</li>
      ))}
    </ul>
  );
}

function Preview({ editor, next }: { editor: Editor; next: Config }) {
  const { data, error } = useQuery({
    queryKey: ["preset-changes", next, editor.config],
    queryFn: async () => {
      const { data: found, error: failed } = await client.POST("/api/config/diff", {
        body: { left: { config: editor.config }, right: { config: next } },
      });
      if (failed !== undefined) throw failed;
      return found;
    },
    gcTime: 0,
  });
  if (error) return <ErrorView error={error} />;
  if (!data) return <Loading rows={2} />;
  if (data.length === 0) return <Empty icon="check" title={t("configuration.same")} />;
  return (
    <div className="grid gap-2">
      <p className="text-dim">{t("config.changes", { count: data.length })}</p>
      <div className="max-h-80 overflow-auto">
        <DifferenceTable
          caption={t("configuration.compare")}
          columns={[t("config.now"), t("config.afterwards")]}
          rows={data.map((one) => ({ ...one, values: [one.left, one.right] }))}
        />
      </div>
    </div>
  );
}
