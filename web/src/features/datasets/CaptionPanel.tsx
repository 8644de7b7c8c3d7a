import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { client } from "@/api/client";
import { pictureUrl } from "@/features/datasets/DatasetsPage";
import type { DatasetPicture } from "@/features/datasets/DatasetView";
import { Button, IconButton } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { formatBytes } from "@/shared/format";
import { useAction } from "@/shared/useAction";
import { text } from "@/text";

const LARGE = "max-h-80 w-full rounded-control bg-sunken object-contain";

type Props = {
  name: string;
  picture: DatasetPicture;
  place: string;
  onNext: (step: 1 | -1) => void;
  onClose: () => void;
};

/** The caption of one picture: what is typed is kept when one goes on with Ctrl and the arrow keys, or leaves. */
export function CaptionPanel({ name, picture, place, onNext, onClose }: Props) {
  const [draft, setDraft] = useState(picture.caption);
  const [isDeleting, setIsDeleting] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const queries = useQueryClient();
  const save = useAction(
    (captions: Record<string, string>) =>
      client.PATCH("/api/datasets/{name}/captions", { params: { path: { name } }, body: { captions } }),
    { onDone: () => queries.invalidateQueries({ queryKey: ["get", "/api/datasets/{name}/pictures"] }) },
  );
  const remove = useAction(
    () =>
      client.DELETE("/api/datasets/{name}/files/{file_name}", { params: { path: { name, file_name: picture.name } } }),
    { onDone: () => queries.invalidateQueries({ queryKey: ["get", "/api/datasets/{name}/pictures"] }) },
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: another picture, another caption; typing stays.
  useEffect(() => {
    setDraft(picture.caption);
    field.current?.focus({ preventScroll: true });
  }, [picture.name]);
  const keep = () => {
    if (draft.trim() !== picture.caption) save.mutate({ [picture.name]: draft });
  };
  const go = (step: 1 | -1) => {
    keep();
    onNext(step);
  };
  const path = `/api/datasets/${encodeURIComponent(name)}`;
  return (
    <section
      aria-label={text.datasets.captionOf(picture.name)}
      className="caption-panel card grid grid-cols-[minmax(0,1fr)] gap-3 p-4"
    >
      <div className="flex items-center gap-1">
        <p className="min-w-0 grow truncate">
          <span className="font-medium">{picture.name}</span>{" "}
          <span className="text-faint text-small">{formatBytes(picture.size)}</span>
        </p>
        <span className="whitespace-nowrap text-dim text-small">{place}</span>
        <IconButton
          icon="close"
          isSmall
          label={text.common.close}
          onPress={() => {
            keep();
            onClose();
          }}
        />
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
        <span className="label">{text.datasets.caption}</span>
        <textarea
          ref={field}
          className="input"
          rows={4}
          value={draft}
          onChange={(event) => setDraft(event.target.value)}
          onBlur={keep}
          onKeyDown={(event) => {
            const step =
              event.ctrlKey || event.metaKey ? { Enter: 1, ArrowDown: 1, ArrowUp: -1 }[event.key] : undefined;
            if (step === undefined) return;
            event.preventDefault();
            go(step as 1 | -1);
          }}
        />
      </label>
      <p className="help pointer-coarse:hidden">{text.datasets.keys}</p>
      <div className="flex items-center gap-2">
        <IconButton icon="left" label={text.datasets.previous} onPress={() => go(-1)} />
        <IconButton icon="right" label={text.datasets.next} onPress={() => go(1)} />
        <span className="grow" />
        <CurlButton
          actions={[
            {
              label: text.datasets.caption,
              request: { method: "PATCH", path: `${path}/captions`, body: { captions: { [picture.name]: draft } } },
            },
            {
              label: text.datasets.deletePicture,
              request: { method: "DELETE", path: `${path}/files/${encodeURIComponent(picture.name)}` },
            },
          ]}
        />
        <IconButton
          icon="trash"
          variant="danger"
          label={text.datasets.deletePicture}
          onPress={() => setIsDeleting(true)}
        />
      </div>
      <Dialog
        title={text.datasets.deletePictureTitle}
        isOpen={isDeleting}
        onClose={() => setIsDeleting(false)}
        footer={
          <>
            <Button onPress={() => setIsDeleting(false)}>{text.common.cancel}</Button>
            <Button
              variant="destroy"
              autoFocus
              isDisabled={remove.isPending}
              onPress={() => remove.mutate(undefined, { onSuccess: () => setIsDeleting(false) })}
            >
              {text.datasets.deletePicture}
            </Button>
          </>
        }
      >
        <p>{text.datasets.deletePictureHint(picture.name)}</p>
      </Dialog>
    </section>
  );
}
