import { DifferenceTable } from "@/features/config/DifferenceTable";
import type { Editor, EditorState } from "@/features/config/editor";
import { differingPaths, getAt } from "@/features/config/paths";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { Dialog } from "@/shared/Dialog";

/** Another tab or a script changed the configuration meanwhile: a person decides. */
export default function ConflictDialog({ editor, state }: { editor: Editor; state: EditorState }) {
  const theirs = state.theirs;
  if (!theirs) return null;
  const rows = differingPaths(theirs.config, state.config).map((path) => ({
    path,
    values: [getAt(state.config, path), getAt(theirs.config, path)],
  }));
  return (
    <Dialog
      title={t("config.conflictTitle")}
      isOpen
      isWide
      footer={
        <>
          <Button onPress={() => editor.resolve("theirs")}>{t("config.useTheirs")}</Button>
          <Button variant="primary" onPress={() => editor.resolve("mine")}>
            {t("config.keepMine")}
          </Button>
        </>
      }
    >
      <p>{t("config.conflictHint")}</p>
      <div className="max-h-80 overflow-auto">
        <DifferenceTable
          caption={t("configuration.compare")}
          columns={[t("config.mine"), t("config.theirs")]}
          rows={rows}
        />
      </div>
    </Dialog>
  );
}
