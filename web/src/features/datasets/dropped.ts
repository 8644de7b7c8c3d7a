/** What was dropped on the window: files, and folders with all that is in them. */

export type Dropped = { path: string; file: File };

/** What the server takes into a data set. */
export const ACCEPTED = [".bmp", ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".webp", ".avif"].concat(
  [".heic", ".heif", ".hif", ".jxl"],
  [".webm", ".mkv", ".flv", ".avi", ".mov", ".wmv", ".mp4", ".mpeg", ".m4v"],
  [".txt", ".caption"],
);

/** Whether a data set has a place for a file of this name; what begins with a dot is the file manager's own. */
export function isAccepted(name: string): boolean {
  return !name.startsWith(".") && ACCEPTED.some((ending) => name.toLowerCase().endsWith(ending));
}

/**
 * The files of an entry with their paths, which begin with a slash and the name of what was dropped.
 *
 * What the system does not let the browser read is added to `unreadable`.
 */
export async function filesIn(entry: FileSystemEntry, unreadable: string[]): Promise<Dropped[]> {
  try {
    if (entry.isFile) {
      const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
      return [{ path: entry.fullPath, file }];
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    const found: Dropped[][] = [];
    // A reader gives a folder in portions; an empty one is the end.
    for (;;) {
      const portion = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (portion.length === 0) return found.flat();
      found.push(...(await Promise.all(portion.map((inner) => filesIn(inner, unreadable)))));
    }
  } catch {
    unreadable.push(entry.fullPath.slice(1));
    return [];
  }
}

/**
 * The files for a folder without sub-folders, by path. Where two share a name, all are named after the folders they
 * were in: none replaces another, and captions still stand beside their pictures.
 */
export function flattened(dropped: readonly Dropped[]): File[] {
  const sorted = [...dropped].sort((one, other) => (one.path < other.path ? -1 : 1));
  const names = new Set(sorted.map(({ file }) => file.name));
  if (names.size === sorted.length) return sorted.map(({ file }) => file);
  return sorted.map(({ path, file }) => new File([file], path.split("/").filter(Boolean).join("_")));
}
