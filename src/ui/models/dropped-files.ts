/** Files by their paths ("my-model/config.json"), however they came to the page. */
export type DroppedFiles = ReadonlyMap<string, File>;

/** What an <input type="file"> holds; with `webkitdirectory` the paths have their folders. */
export function filesOfInput(list: FileList): DroppedFiles {
  return new Map([...list].map((file) => [file.webkitRelativePath || file.name, file]));
}

/** What was dropped: files, and folders with all that is in them. */
export async function filesOfDrop(transfer: DataTransfer): Promise<DroppedFiles> {
  // The list of items is gone once the event is over, so entries are taken before anything waits.
  const items = [...transfer.items].map((item) => item.webkitGetAsEntry() ?? item.getAsFile());
  const files = new Map<string, File>();
  for (const item of items) {
    if (item instanceof File) files.set(item.name, item);
    else if (item) await collect(item, files);
  }
  return files;
}

async function collect(entry: FileSystemEntry, files: Map<string, File>): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => {
      (entry as FileSystemFileEntry).file(resolve, reject);
    });
    files.set(entry.fullPath.replace(/^\//, ''), file);
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  // A directory is read in batches; an empty batch is the end.
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (batch.length === 0) return;
    for (const child of batch) await collect(child, files);
  }
}
