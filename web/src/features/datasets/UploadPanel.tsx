import { useSyncExternalStore } from "react";
import type { Uploader } from "@/features/datasets/uploads";
import { t } from "@/i18n";
import { Button, IconButton } from "@/shared/Button";
import { ProgressBar } from "@/shared/ProgressBar";

/** Thousands may fail for the same reason. */
const FAILED_SHOWN = 50;

/** How the upload goes: all files together, those under way, and those that failed with their reason. */
export function UploadPanel({ uploader }: { uploader: Uploader }) {
  const { total, done, sending, failed, present, isBusy, isAway } = useSyncExternalStore(
    uploader.subscribe,
    uploader.snapshot,
  );
  if (total === 0) return null;
  return (
    <section aria-label={t("datasets.uploads")} className="card mb-4 grid gap-3 p-4">
      <div className="flex flex-wrap items-center gap-2">
        <div role="status" className="min-w-0 grow basis-40">
          <p className="font-medium">
            {failed.length > 0
              ? t("datasets.uploadedBut", { done, total, failed: failed.length })
              : t("datasets.uploaded", { done, total })}
          </p>
          {isAway && <p className="text-small text-warn">{t("datasets.uploadsWait")}</p>}
        </div>
        <div className="flex gap-2">
          {failed.length > 0 && (
            <Button isSmall icon="resume" onPress={() => uploader.retry()}>
              {t("common.retry")}
            </Button>
          )}
          <Button isSmall onPress={() => (isBusy ? uploader.cancel() : uploader.clear())}>
            {isBusy ? t("common.cancel") : t("common.dismiss")}
          </Button>
        </div>
      </div>
      {present.length > 0 && (
        <div className="flex flex-wrap items-center gap-2">
          <p className="min-w-0 grow basis-40 break-words text-small text-warn">
            {t("datasets.present", { count: present.length, first: present[0]?.file.name ?? "" })}
          </p>
          <Button isSmall onPress={() => uploader.replace()}>
            {t("datasets.replacePresent", { count: present.length })}
          </Button>
        </div>
      )}
      <ProgressBar label={t("datasets.uploads")} value={done + failed.length + present.length} max={total} />
      <ul className="grid max-h-60 gap-2 overflow-y-auto empty:hidden">
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
              label={t("datasets.cancelFile", { name: one.file.name })}
              onPress={() => uploader.cancel(one.id)}
            />
          </li>
        ))}
        {failed.slice(0, FAILED_SHOWN).map((one) => (
          <li key={one.id} className="flex items-center gap-3 text-small">
            <span className="min-w-0 grow break-words text-bad">
              {failure(one.file.name, one.error ?? t("datasets.notSent"))}
            </span>
            <IconButton
              icon="resume"
              isSmall
              label={t("datasets.retryFile", { name: one.file.name })}
              onPress={() => uploader.retry(one.id)}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What the server says of a file often names it already. */
function failure(name: string, reason: string): string {
  return reason.includes(name) ? reason : t("datasets.failed", { name, reason });
}
