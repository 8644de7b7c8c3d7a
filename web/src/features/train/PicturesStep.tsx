import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { FileTrigger } from "react-aria-components";
import { api, client } from "@/api/client";
import { Cover } from "@/features/datasets/Cover";
import { LIST_KEY } from "@/features/datasets/DatasetsPage";
import { ACCEPTED, isAccepted } from "@/features/datasets/dropped";
import { UploadPanel } from "@/features/datasets/UploadPanel";
import { useFilesDrop } from "@/features/datasets/useFilesDrop";
import { uploaderOf, useUploader } from "@/features/datasets/useUploader";
import { Step } from "@/features/train/Step";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { facts } from "@/shared/format";
import { SelectField } from "@/shared/SelectField";
import { useAction } from "@/shared/useAction";

const SHOWN = 8;

type Props = { dataset: string; onChange: (dataset: string) => void };

/** Which pictures: a data set that is there, or files, which make a new one. */
export function PicturesStep({ dataset, onChange }: Props) {
  const queries = useQueryClient();
  const { data } = api.useQuery("get", "/api/datasets", {}, { refetchOnMount: "always" });
  const datasets = data?.datasets ?? [];
  const names = datasets.map((one) => one.name);
  const make = useAction(
    async (files: File[]) => {
      const name = dataset || freeName(names);
      if (!names.includes(name)) {
        const made = await client.POST("/api/datasets", { body: { name } });
        if (made.error !== undefined) return { error: made.error };
      }
      uploaderOf(queries, name).add(files.filter((file) => isAccepted(file.name)));
      return { data: name };
    },
    {
      onDone: (name) => {
        queries.invalidateQueries({ queryKey: LIST_KEY });
        onChange(name);
      },
    },
  );
  const dropping = useFilesDrop((files) => make.mutate(files));
  const chosen = datasets.find((one) => one.name === dataset);
  return (
    <Step
      number={1}
      title={t("train.pictures")}
      hint={t("train.picturesHint")}
      isDone={(chosen?.num_pictures ?? 0) + (chosen?.num_videos ?? 0) > 0}
    >
      <div
        className={`flex flex-wrap items-end gap-3 rounded-control border border-dashed p-4 ${dropping ? "border-accent bg-accent-soft" : "border-strong"}`}
      >
        <FileTrigger allowsMultiple acceptedFileTypes={ACCEPTED} onSelect={(files) => files && make.mutate([...files])}>
          <Button icon="upload" variant={dataset ? "plain" : "primary"} isDisabled={make.isPending}>
            {dataset ? t("train.addPictures") : t("train.choosePictures")}
          </Button>
        </FileTrigger>
        {names.length > 0 && (
          <SelectField
            label={t("train.dataset")}
            className="min-w-48"
            value={dataset}
            options={[
              { value: "", label: t("train.newDataset") },
              ...datasets.map((one) => ({ value: one.name, label: one.name })),
            ]}
            onChange={onChange}
          />
        )}
        {dataset && (
          <Link to="/datasets" search={{ dataset }} className="button button-quiet">
            {t("train.toDataset")}
          </Link>
        )}
      </div>
      {dataset && <Uploads name={dataset} />}
      {chosen && (
        <p className="text-dim">
          {facts(
            t("datasets.pictures", { count: chosen.num_pictures }),
            t("datasets.captioned", { count: chosen.num_captioned }),
          )}
        </p>
      )}
      {dataset && <Pictures name={dataset} />}
    </Step>
  );
}

/** A name that no data set has. */
function freeName(names: readonly string[]): string {
  const usual = t("train.usualName");
  if (!names.includes(usual)) return usual;
  let number = 2;
  while (names.includes(`${usual} ${number}`)) number += 1;
  return `${usual} ${number}`;
}

function Uploads({ name }: { name: string }) {
  return <UploadPanel uploader={useUploader(name)} />;
}

function Pictures({ name }: { name: string }) {
  const { data } = api.useQuery("get", "/api/datasets/{name}/pictures", {
    params: { path: { name }, query: { limit: SHOWN } },
  });
  return (
    <ul className="grid grid-cols-4 gap-2 sm:grid-cols-8">
      {data?.pictures.map((picture) => (
        <li key={picture.name} className="aspect-square overflow-hidden rounded-control bg-sunken">
          <Cover dataset={name} picture={picture} isLazy />
        </li>
      ))}
    </ul>
  );
}
