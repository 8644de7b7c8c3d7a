/** The configuration being edited: one editor for the whole page, and the ways to replace what it holds. */
import { client } from "@/api/client";
import { isConnected } from "@/api/live";
import { Editor } from "@/features/config/editor";
import { setImportNotes } from "@/features/config/importNotes";
import { leftAlone, withOwn } from "@/features/config/own";
import { type Config, differingPaths } from "@/features/config/paths";
import { t } from "@/i18n";
import { notify } from "@/shared/toasts";

/** Lives as long as the page, so that undo survives a look at another view. */
let shared: Editor | null = null;

// Whichever view is open: what waits is sent as soon as the server is there again.
isConnected.subscribe(() => {
  if (isConnected.get()) void shared?.flush();
});

export async function openEditor(): Promise<Editor> {
  const { data, error } = await client.GET("/api/config/current");
  if (error !== undefined) throw error;
  if (shared) shared.refresh(data.config, data.revision);
  else shared = Editor.takeUp(data.config, data.revision);
  return shared;
}

/** Put another configuration in the place of the one being edited, with the way back in a notice. */
export function replaceConfig(editor: Editor, config: Config, parent: string | null = null): void {
  const { config: before, parent: parentBefore } = editor.snapshot();
  if (differingPaths(before, config).length === 0) {
    if (parent !== parentBefore) editor.replace(config, parent);
    notify("info", t("configuration.same"));
    return;
  }
  editor.replace(config, parent);
  notify("done", t("config.replaced"), {
    label: t("config.undo"),
    onPress: () => editor.replace(before, parentBefore),
  });
}

/** The same with a configuration of any version; what of it could not be taken as it stands is shown in the editor. */
export async function bringConfig(config: Config, { filename = "", parent = null as string | null } = {}) {
  const imported = await client.POST("/api/config/import", { body: { config, filename } });
  if (imported.data) {
    const editor = await openEditor();
    const { config: next } = imported.data;
    replaceConfig(editor, withOwn(editor.config, next, leftAlone(editor.config, next)), parent);
    await editor.flush();
    setImportNotes(imported.data.notes);
  }
  return imported;
}
