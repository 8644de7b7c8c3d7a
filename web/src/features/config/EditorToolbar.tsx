import { useRef, useState } from "react";
import { LEVELS, type Level } from "@/features/config/catalog";
import { bringConfig } from "@/features/config/current";
import type { Editor, EditorState } from "@/features/config/editor";
import { IMPORT_REQUEST, readConfigFile } from "@/features/config/readConfigFile";
import { useFileDrop } from "@/features/config/useFileDrop";
import type { IssueReport } from "@/features/config/useIssues";
import { useUndoKeys } from "@/features/config/useUndoKeys";
import { t } from "@/i18n";
import { Button, IconButton } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { TextField } from "@/shared/fields";
import { lazyDialog } from "@/shared/lazy";
import { MenuButton } from "@/shared/Menu";
import { PageHeader } from "@/shared/PageHeader";
import { Segmented } from "@/shared/Segmented";
import { saveFile } from "@/shared/saveFile";
import { useAction } from "@/shared/useAction";

const PresetDialog = lazyDialog(() => import("@/features/config/PresetDialog"));
const SaveAsDialog = lazyDialog(() => import("@/features/config/SaveAsDialog"));
const StartDialog = lazyDialog(() => import("@/features/config/StartDialog"));

function leadOf({ isSaving, isWaiting }: EditorState): string {
  if (isWaiting) return t("config.waiting");
  return isSaving ? t("config.saving") : t("config.saved");
}

type Props = {
  editor: Editor;
  state: EditorState;
  level: Level;
  words: string;
  isJson: boolean;
  report: IssueReport;
  onLevel: (level: Level) => void;
  onWords: (words: string) => void;
  onJson: (isJson: boolean) => void;
  onJump: (path: string) => void;
};

export function EditorToolbar({
  editor,
  state,
  level,
  words,
  isJson,
  report,
  onLevel,
  onWords,
  onJson,
  onJump,
}: Props) {
  const [dialog, setDialog] = useState<"preset" | "save" | "start" | null>(null);
  const chooser = useRef<HTMLInputElement>(null);
  const bring = useAction(async (file: File) => bringConfig(await readConfigFile(file), { filename: file.name }));
  useFileDrop((file) => bring.mutate(file));
  useUndoKeys(editor);
  return (
    <>
      <PageHeader
        title={t("config.title")}
        lead={leadOf(state)}
        corner={
          <>
            <IconButton
              icon="undo"
              label={t("config.undo")}
              isDisabled={!state.canUndo}
              onPress={() => editor.undo()}
            />
            <IconButton
              icon="redo"
              label={t("config.redo")}
              isDisabled={!state.canRedo}
              onPress={() => editor.redo()}
            />
            <MenuButton
              label={t("config.menu")}
              actions={[
                { label: t("config.import"), request: IMPORT_REQUEST },
                { label: t("config.export"), request: { method: "GET", path: "/api/config/current" } },
                {
                  label: t("config.asJson"),
                  request: { method: "PUT", path: "/api/config/current", body: editor.config },
                },
              ]}
              entries={[
                { id: "import", label: t("config.import"), icon: "upload", onAction: () => chooser.current?.click() },
                {
                  id: "export",
                  label: t("config.export"),
                  icon: "download",
                  onAction: () => saveFile("config.json", JSON.stringify(editor.config, null, 2)),
                },
                { id: "save", label: t("config.saveAs"), icon: "save", onAction: () => setDialog("save") },
                {
                  id: "json",
                  label: isJson ? t("config.asForm") : t("config.asJson"),
                  icon: "file",
                  onAction: () => onJson(!isJson),
                },
              ]}
            />
            <CurlButton
              actions={[
                {
                  label: t("config.start"),
                  request: { method: "POST", path: "/api/runs", body: { config_dict: editor.config } },
                },
                {
                  label: t("config.check"),
                  request: { method: "POST", path: "/api/config/validate?deep=true", body: editor.config },
                },
              ]}
            />
          </>
        }
      >
        <Button className="max-sm:grow" onPress={() => setDialog("preset")}>
          {t("config.load")}
        </Button>
        <Button variant="primary" icon="play" className="max-sm:grow" onPress={() => setDialog("start")}>
          {t("config.start")}
        </Button>
        <input
          ref={chooser}
          type="file"
          accept=".json,application/json"
          className="hidden"
          aria-hidden="true"
          tabIndex={-1}
          onChange={(event) => {
            const file = event.target.files?.[0];
            if (file) bring.mutate(file);
            event.target.value = "";
          }}
        />
      </PageHeader>
      <div className="mb-4 flex flex-wrap items-center gap-3" hidden={isJson}>
        <TextField
          label={t("config.search")}
          isLabelHidden
          placeholder={t("config.search")}
          value={words}
          onChange={onWords}
          className="w-full sm:w-72"
        />
        <Segmented
          label={t("config.level")}
          value={level}
          options={LEVELS.map((value) => ({ value, label: t(`config.levels.${value}`) }))}
          onChange={onLevel}
        />
      </div>
      {dialog === "preset" && <PresetDialog editor={editor} onClose={() => setDialog(null)} />}
      {dialog === "save" && <SaveAsDialog editor={editor} onClose={() => setDialog(null)} />}
      {dialog === "start" && (
        <StartDialog editor={editor} report={report} onJump={onJump} onClose={() => setDialog(null)} />
      )}
    </>
  );
}
