import { lazy, Suspense, useState } from "react";
import { IconButton } from "@/shared/Button";
import { text } from "@/text";

const FolderDialog = lazy(() => import("@/features/config/FolderDialog"));

/** Fills a folder's path by looking for it. */
export function FolderButton({ onChoose }: { onChoose: (path: string) => void }) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      <IconButton icon="folder" label={text.folders.title} onPress={() => setIsOpen(true)} />
      {isOpen && (
        <Suspense>
          <FolderDialog onChoose={onChoose} onClose={() => setIsOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
