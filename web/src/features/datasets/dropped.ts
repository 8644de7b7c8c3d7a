/** What was dropped on the window: files, and folders with all that is in them. */

export type Dropped = { path: string; file: File };

/** The files of an entry with their paths, which begin with a slash and the name of what was dropped. */
export async function filesIn(entry: FileSystemEntry): Promise<Dropped[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path: entry.fullPath, file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const files: Dropped[] = [];
  // A reader gives a folder in portions; an empty one is the end.
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (portion.length === 0) return files;
    for (const inner of portion) files.push(...(await filesIn(inner)));
  }
}

/**
 * The files for a folder without sub-folders. Where two share a name, all are named after the folders they were in:
 * none replaces another, and captions still stand beside their pictures.
 */
export function flattened(dropped: readonly Dropped[]): File[] {
  const names = new Set(dropped.map(({ file }) => file.name));
  if (names.size === dropped.length) return dropped.map(({ file }) => file);
  return dropped.map(({ path, file }) => new File([file], path.split("/").filter(Boolean).join("_")));
}
