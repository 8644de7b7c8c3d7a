import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { client } from "@/api/client";
import { type CaptionDrafts, isUnsaved, useDrafts } from "@/features/datasets/captionDrafts";
import { pictureUrl } from "@/features/datasets/DatasetsPage";
import type { DatasetPicture } from "@/features/datasets/DatasetView";
import { t } from "@/i18n";
import { Button, IconButton } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { formatBytes, listed } from "@/shared/format";
import { useAction } from "@/shared/useAction";

const LARGE = "max-h-80 w-full rounded-control bg-sunken object-contain";

type Props = {
  name: string;
  picture: DatasetPicture;
  drafts: CaptionDrafts;
  place: string;
  onNext: (step: 1 | -1) => void;
  onClose: () => void;
};

/** The caption of one picture: what is typed is written by itself, but never over what others have written. */
export function CaptionPanel({ name, picture, drafts, place, onNext, onClose }: Props) {
  const [isDeleting, setIsDeleting] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const queries = useQueryClient();
  const { drafts: all, problem } = useDrafts(drafts);
  const draft = all[picture.name];
  const typed = draft?.text ?? picture.caption;
  const remove = useAction(
    () =>
      client.DELETE("/api/datasets/{name}/files/{file_name}", { params: { path: { name, file_name: picture.name } } }),
    { onDone: () => queries.invalidateQueries({ queryKey: ["get", "/api/datasets/{name}/pictures"] }) },
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: another picture, another caption.
  useEffect(() => {
    field.current?.focus({ preventScroll: true });
    return () => void drafts.flush().then(() => drafts.leave(picture.name));
  }, [picture.name]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what others wrote shows, unless one is typing.
  useEffect(() => {
    if (draft?.seen.revision !== picture.revision) drafts.leave(picture.name);
  }, [picture.revision]);
  const path = `/api/datasets/${encodeURIComponent(name)}`;
  return (
    <section
      aria-label={t("datasets.captionOf", { name: picture.name })}
      className="caption-panel card grid grid-cols-[minmax(0,1fr)] gap-3 p-4"
    >
      <div className="flex items-center gap-1">
        <p className="min-w-0 grow truncate">
          <span className="font-medium">{picture.name}</span>{" "}
          <span className="text-faint text-small">{formatBytes(picture.size)}</span>
        </p>
        <span className="whitespace-nowrap text-dim text-small">{place}</span>
        <IconButton icon="close" isSmall label={t("common.close")} onPress={onClose} />
      </div>
      {picture.is_video ? (
        <video
          src={pictureUrl(name, picture.name)}
          aria-label={picture.caption}
          controls
          loop
          muted
          className={LARGE}
        />
      ) : (
        <img src={pictureUrl(name, picture.name, 1024)} alt={picture.caption} className={LARGE} />
      )}
      <label className="field">
        <span className="label">{t("datasets.caption")}</span>
        <textarea
          ref={field}
          className="input"
          rows={4}
          value={typed}
          onChange={(event) => drafts.type(picture.name, event.target.value, picture)}
          onBlur={() => void drafts.flush()}
          onKeyDown={(event) => {
            const step =
              event.ctrlKey || event.metaKey ? { Enter: 1, ArrowDown: 1, ArrowUp: -1 }[event.key] : undefined;
            if (step === undefined) return;
            event.preventDefault();
            onNext(step as 1 | -1);
          }}
        />
      </label>
      {draft?.theirs && (
        <div role="alert" className="grid gap-2 rounded-control bg-warn-soft p-3 text-small">
          <p>{t("datasets.changedMeanwhile")}</p>
          <p className="whitespace-pre-line break-words">{draft.theirs.caption || t("datasets.noCaption")}</p>
          <div className="flex flex-wrap gap-2">
            <Button isSmall onPress={() => drafts.choose(picture.name, "mine")}>
              {t("datasets.keepMine")}
            </Button>
            <Button isSmall onPress={() => drafts.choose(picture.name, "theirs")}>
              {t("datasets.takeTheirs")}
            </Button>
          </div>
        </div>
      )}
      {problem && draft && isUnsaved(draft) && (
        <div role="alert" className="problem flex flex-wrap items-center gap-2">
          <span className="grow">{t("datasets.notWritten", { problem })}</span>
          <Button isSmall onPress={() => void drafts.flush()}>
            {t("common.retry")}
          </Button>
        </div>
      )}
      {picture.shared_with.length > 0 && (
        <p className="help">{t("datasets.sharedWith", { names: listed(picture.shared_with) })}</p>
      )}
      <p className="help pointer-coarse:hidden">{t("datasets.keys")}</p>
      <div className="flex items-center gap-2">
        <IconButton icon="left" label={t("datasets.previous")} onPress={() => onNext(-1)} />
        <IconButton icon="right" label={t("datasets.next")} onPress={() => onNext(1)} />
        <span className="grow" />
        <CurlButton
          actions={[
            {
              label: t("datasets.caption"),
              request: { method: "PATCH", path: `${path}/captions`, body: { captions: { [picture.name]: typed } } },
            },
            {
              label: t("datasets.deletePicture"),
              request: { method: "DELETE", path: `${path}/files/${encodeURIComponent(picture.name)}` },
            },
          ]}
        />
        <IconButton
          icon="trash"
          variant="danger"
          label={t("datasets.deletePicture")}
          onPress={() => setIsDeleting(true)}
        />
      </div>
      <Dialog
        title={t("datasets.deletePictureTitle")}
        isOpen={isDeleting}
        onClose={() => setIsDeleting(false)}
        footer={
          <>
            <Button onPress={() => setIsDeleting(false)}>{t("common.cancel")}</Button>
            <Button
              variant="destroy"
              autoFocus
              isDisabled={remove.isPending}
              onPress={() => remove.mutate(undefined, { onSuccess: () => setIsDeleting(false) })}
            >
              {t("datasets.deletePicture")}
            </Button>
          </>
        }
      >
        <p>{t("datasets.deletePictureHint", { name: picture.name })}</p>
      </Dialog>
    </section>
  );
}
