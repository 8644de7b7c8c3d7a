import { type Note, setImportNotes } from "@/features/config/importNotes";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { Dialog } from "@/shared/Dialog";
import { Icon } from "@/shared/icons";

/** What became of a file's settings that could not be taken as they stood. */
export default function ImportNotesDialog({ notes }: { notes: readonly Note[] }) {
  const close = () => setImportNotes([]);
  return (
    <Dialog
      title={t("config.notesTitle", { count: notes.length })}
      isOpen
      onClose={close}
      footer={
        <Button variant="primary" autoFocus onPress={close}>
          {t("config.notesRead")}
        </Button>
      }
    >
      <p className="text-dim">{t("config.notesHint")}</p>
      <ul className="grid max-h-96 gap-2 overflow-y-auto">
        {notes.map((note) => (
          <li key={note.message} className="flex gap-3">
            <Icon name="info" size={18} className="mt-0.5 text-accent" />
            <span className="min-w-0 break-words">{note.message}</span>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
