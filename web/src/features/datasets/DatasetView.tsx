import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { FileTrigger } from "react-aria-components";
import { api } from "@/api/client";
import type { Request } from "@/api/curl";
import type { components } from "@/api/schema";
import { CaptionPanel } from "@/features/datasets/CaptionPanel";
import type { CaptionDrafts } from "@/features/datasets/captionDrafts";
import { DatasetMenu } from "@/features/datasets/DatasetMenu";
import { ACCEPTED, isAccepted } from "@/features/datasets/dropped";
import { PictureGrid } from "@/features/datasets/PictureGrid";
import { Statistics } from "@/features/datasets/Statistics";
import { UploadPanel } from "@/features/datasets/UploadPanel";
import { useCaptionDrafts } from "@/features/datasets/useCaptionDrafts";
import { useFilesDrop } from "@/features/datasets/useFilesDrop";
import { useTrainWith } from "@/features/datasets/useTrainWith";
import { useUploader } from "@/features/datasets/useUploader";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { TextField } from "@/shared/fields";
import { listed } from "@/shared/format";
import { Icon } from "@/shared/icons";
import { PageHeader } from "@/shared/PageHeader";
import { Segmented } from "@/shared/Segmented";
import { notify } from "@/shared/toasts";
import { Empty, QueryView } from "@/shared/views";

const ALL = 100_000;
const VIEWS = ["pictures", "statistics"] as const;

/** One data set: its pictures as a grid, the caption of the chosen one beside it. */
export default function DatasetView({ name }: { name: string }) {
  const [search, setSearch] = useState("");
  const [view, setView] = useState<(typeof VIEWS)[number]>("pictures");
  const query = api.useQuery(
    "get",
    "/api/datasets/{name}/pictures",
    {
      params: { path: { name }, query: { search, limit: ALL } },
    },
    { placeholderData: (before) => before, refetchOnMount: "always" },
  );
  const uploader = useUploader(name);
  const drafts = useCaptionDrafts(name);
  const train = useTrainWith(name);
  const take = (files: File[], unreadable: string[] = []) => {
    uploader.add(files.filter((file) => isAccepted(file.name)));
    const others = files.map((file) => file.name).filter((file) => !isAccepted(file) && !file.startsWith("."));
    if (others.length > 0) notify("error", t("datasets.leftOut", { names: listed(others) }));
    if (unreadable.length > 0) notify("error", t("datasets.unreadable", { names: listed(unreadable) }));
  };
  const dropping = useFilesDrop(take);
  return (
    <>
      <PageHeader
        title={name}
        lead={t("datasets.path", { path: `datasets/${name}` })}
        back={
          <Link to="/datasets" search={{}} className="inline-flex items-center gap-1 text-accent text-small">
            <Icon name="left" size={16} />
            {t("datasets.all")}
          </Link>
        }
      >
        <DatasetMenu name={name}>
          <Button icon="play" isDisabled={train.isPending} onPress={() => train.mutate(undefined)}>
            {t("datasets.train")}
          </Button>
          <FileTrigger allowsMultiple acceptedFileTypes={ACCEPTED} onSelect={(files) => files && take([...files])}>
            <Button variant="primary" icon="upload">
              {t("datasets.upload")}
            </Button>
          </FileTrigger>
          <CurlButton actions={[{ label: t("datasets.upload"), request: uploadRequest(name) }]} />
        </DatasetMenu>
      </PageHeader>
      <UploadPanel uploader={uploader} />
      <div className="mb-4 flex flex-wrap items-center gap-3">
        <TextField
          label={t("datasets.search")}
          isLabelHidden
          placeholder={t("datasets.search")}
          value={search}
          onChange={setSearch}
          className="w-full sm:w-72"
        />
        <Segmented
          label={t("samples.view")}
          value={view}
          options={VIEWS.map((value) => ({ value, label: t(`datasets.views.${value}`) }))}
          onChange={setView}
        />
      </div>
      {view === "statistics" ? (
        <Statistics name={name} />
      ) : (
        <QueryView query={query}>
          {({ pictures }) =>
            pictures.length === 0 ? (
              <Empty icon="pictures" title={search ? t("datasets.noMatch") : t("datasets.empty")} />
            ) : (
              <Pictures name={name} pictures={pictures} drafts={drafts} />
            )
          }
        </QueryView>
      )}
      {dropping && (
        <div className="pointer-events-none fixed inset-4 z-40 grid place-items-center rounded-card border-2 border-accent border-dashed bg-accent-soft/80 text-heading">
          {t(`datasets.dropping.${dropping}`)}
        </div>
      )}
    </>
  );
}

function uploadRequest(name: string): Request {
  const path = `/api/datasets/${encodeURIComponent(name)}/files/${t("datasets.exampleFile")}`;
  return { method: "PUT", path, file: { name: t("datasets.exampleFile"), as: "body" } };
}

export type DatasetPicture = components["schemas"]["DatasetPicture"];

type PicturesProps = { name: string; pictures: DatasetPicture[]; drafts: CaptionDrafts };

function Pictures({ name, pictures, drafts }: PicturesProps) {
  const [chosen, setChosen] = useState<string | null>(null);
  const index = pictures.findIndex((picture) => picture.name === chosen);
  const picture = pictures[index];
  useEffect(() => {
    if (chosen && index < 0) setChosen(null);
  }, [chosen, index]);
  return (
    <div className={picture ? "grid items-start gap-6 md:grid-cols-[minmax(0,1fr)_360px]" : ""}>
      <PictureGrid name={name} pictures={pictures} chosen={chosen} onChoose={setChosen} />
      {picture && (
        <CaptionPanel
          name={name}
          picture={picture}
          drafts={drafts}
          place={t("datasets.place", { index: index + 1, total: pictures.length })}
          onNext={(step) => setChosen(pictures[Math.min(pictures.length - 1, Math.max(0, index + step))]?.name ?? null)}
          onClose={() => setChosen(null)}
        />
      )}
    </div>
  );
}
