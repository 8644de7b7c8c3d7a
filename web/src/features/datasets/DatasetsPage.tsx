import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { api, client } from "@/api/client";
import type { components } from "@/api/schema";
import { Cover } from "@/features/datasets/Cover";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { TextField } from "@/shared/fields";
import { Icon } from "@/shared/icons";
import { lazyView } from "@/shared/lazy";
import { PageHeader } from "@/shared/PageHeader";
import { useAction } from "@/shared/useAction";
import { Empty, QueryView } from "@/shared/views";

const DatasetView = lazyView(() => import("@/features/datasets/DatasetView"));

type Summary = components["schemas"]["DatasetSummary"];
export const LIST_KEY = ["get", "/api/datasets"];
const route = getRouteApi("/datasets");

/** Folders of training pictures; one of them opened when the address names it. */
export default function DatasetsPage() {
  const { dataset } = route.useSearch();
  const query = api.useQuery("get", "/api/datasets", {}, { refetchOnMount: "always" });
  if (dataset) {
    return <DatasetView key={dataset} name={dataset} />;
  }
  return <QueryView query={query}>{({ datasets }) => <DatasetList datasets={datasets} />}</QueryView>;
}

function DatasetList({ datasets }: { datasets: Summary[] }) {
  const [isCreating, setIsCreating] = useState(false);
  return (
    <>
      <PageHeader title={t("datasets.title")} lead={t("datasets.lead")}>
        <Button variant="primary" icon="plus" onPress={() => setIsCreating(true)}>
          {t("datasets.new")}
        </Button>
      </PageHeader>
      {datasets.length === 0 ? (
        <Empty icon="folder" title={t("datasets.none")} />
      ) : (
        <ul className="grid gap-4 sm:grid-cols-2 lg:grid-cols-3 xl:grid-cols-4">
          {datasets.map((dataset) => (
            <DatasetCard key={dataset.name} dataset={dataset} />
          ))}
        </ul>
      )}
      {isCreating && <NewDatasetDialog onClose={() => setIsCreating(false)} />}
    </>
  );
}

const COVER_PICTURES = 4;

function DatasetCard({ dataset }: { dataset: Summary }) {
  const { data } = api.useQuery("get", "/api/datasets/{name}/pictures", {
    params: { path: { name: dataset.name }, query: { limit: COVER_PICTURES } },
  });
  return (
    <li className="card relative overflow-hidden hover:border-strong">
      <div className="grid h-36 grid-cols-4 gap-px bg-sunken">
        {data?.pictures.map((picture) => (
          <Cover key={picture.name} dataset={dataset.name} picture={picture} className="h-36" isLazy />
        ))}
        {data?.pictures.length === 0 && <Icon name="pictures" className="col-span-4 place-self-center text-faint" />}
      </div>
      <div className="p-4">
        <route.Link
          to="."
          search={{ dataset: dataset.name }}
          className="block truncate font-medium text-lead after:absolute after:inset-0"
        >
          {dataset.name}
        </route.Link>
        <p className="text-dim text-small">{countsOf(dataset)}</p>
      </div>
    </li>
  );
}

function countsOf(dataset: Summary): string {
  const { num_pictures, num_videos, num_captioned } = dataset;
  const counts = [
    num_pictures || !num_videos ? t("datasets.pictures", { count: num_pictures }) : "",
    num_videos ? t("datasets.videos", { count: num_videos }) : "",
    t("datasets.captioned", { count: num_captioned }),
  ];
  return counts.filter(Boolean).join(", ");
}

export function pictureUrl(dataset: string, name: string, thumbnail?: number): string {
  const path = `/api/datasets/${encodeURIComponent(dataset)}/files/${encodeURIComponent(name)}`;
  return thumbnail ? `${path}?thumbnail=${thumbnail}` : path;
}

function NewDatasetDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const queries = useQueryClient();
  const navigate = route.useNavigate();
  const create = useAction(() => client.POST("/api/datasets", { body: { name: name.trim() } }), {
    onDone: (made) => {
      queries.invalidateQueries({ queryKey: LIST_KEY });
      onClose();
      navigate({ search: { dataset: made.name } });
    },
  });
  return (
    <Dialog
      title={t("datasets.new")}
      isOpen
      onClose={onClose}
      footer={
        <>
          <CurlButton
            actions={[
              {
                label: t("datasets.new"),
                request: { method: "POST", path: "/api/datasets", body: { name: name.trim() } },
              },
            ]}
          />
          <Button onPress={onClose}>{t("common.cancel")}</Button>
          <Button
            variant="primary"
            isDisabled={!name.trim() || create.isPending}
            onPress={() => create.mutate(undefined)}
          >
            {t("datasets.create")}
          </Button>
        </>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim()) create.mutate(undefined);
        }}
      >
        <TextField label={t("runs.name")} value={name} onChange={setName} help={t("datasets.nameHint")} autoFocus />
      </form>
    </Dialog>
  );
}
