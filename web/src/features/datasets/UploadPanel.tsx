import type { Upload, Uploader } from "@/features/datasets/uploads";
import { Button, IconButton } from "@/shared/Button";
import { ProgressBar } from "@/shared/ProgressBar";
import { text } from "@/text";

/** When the server is away, thousands fail for the same reason. */
const FAILED_SHOWN = 50;

/** How the upload goes: all files together, those under way, and those that failed with their reason. */
export function UploadPanel({ uploader, uploads }: { uploader: Uploader; uploads: readonly Upload[] }) {
  const given = uploads.filter((one) => one.state !== "cancelled");
  const done = uploads.filter((one) => one.state === "done").length;
  if (given.length === 0) return null;
  const failed = uploads.filter((one) => one.state === "failed");
  const sending = uploads.filter((one) => one.state === "sending");
  const isBusy = sending.length > 0 || uploads.some((one) => one.state === "waiting");
  return (
    <section aria-label={text.datasets.uploads} className="card mb-4 grid gap-3 p-4">
      <div className="flex flex-wrap items-center gap-2">
        <p role="status" className="grow font-medium">
          {text.datasets.uploaded(done, given.length, failed.length)}
        </p>
        <div className="flex gap-2">
          {failed.length > 0 && (
            <Button isSmall icon="resume" onPress={() => uploader.retry()}>
              {text.common.retry}
            </Button>
          )}
          <Button isSmall onPress={() => (isBusy ? uploader.cancel() : uploader.clear())}>
            {isBusy ? text.common.cancel : text.common.dismiss}
          </Button>
        </div>
      </div>
      <ProgressBar label={text.datasets.uploads} value={done + failed.length} max={given.length} />
      <ul className="grid max-h-60 gap-2 overflow-y-auto">
        {sending.map((one) => (
          <li
            key={one.id}
            className="grid grid-cols-[minmax(0,1fr)_8rem_auto] items-center gap-3 text-small max-sm:grid-cols-[minmax(0,1fr)_4rem_auto]"
          >
            <span className="truncate">{one.file.name}</span>
            <ProgressBar label={one.file.name} value={one.sent} max={one.file.size} />
            <IconButton
              icon="close"
              isSmall
              label={text.datasets.cancelFile(one.file.name)}
              onPress={() => uploader.cancel(one.id)}
            />
          </li>
        ))}
        {failed.slice(0, FAILED_SHOWN).map((one) => (
          <li key={one.id} className="flex items-center gap-3 text-small">
            <span className="min-w-0 grow break-words text-bad">
              {text.datasets.failed(one.file.name, one.error ?? text.common.unreachable)}
            </span>
            <IconButton
              icon="resume"
              isSmall
              label={text.datasets.retryFile(one.file.name)}
              onPress={() => uploader.retry(one.id)}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}
