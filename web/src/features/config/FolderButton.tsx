import { useState } from "react";
import { t } from "@/i18n";
import { IconButton } from "@/shared/Button";
import { lazyDialog } from "@/shared/lazy";

const FolderDialog = lazyDialog(() => import("@/features/config/FolderDialog"));

/** Fills a folder's path by looking for it. */
export function FolderButton({ onChoose }: { onChoose: (path: string) => void }) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      <IconButton icon="folder" label={t("folders.title")} onPress={() => setIsOpen(true)} />
      {isOpen && <FolderDialog onChoose={onChoose} onClose={() => setIsOpen(false)} />}
    </>
  );
}
