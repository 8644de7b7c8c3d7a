import { keepPreviousData } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import type { components } from "@/api/schema";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { Icon, type IconName } from "@/shared/icons";
import { QueryView } from "@/shared/views";

type Page = components["schemas"]["FolderPage"];

const MOST = 1000;

/** Find a folder of pictures on the server's machine, as far as the server may read. */
export default function FolderDialog({ onChoose, onClose }: { onChoose: (path: string) => void; onClose: () => void }) {
  const [path, setPath] = useState("");
  const query = api.useQuery(
    "get",
    "/api/folders",
    { params: { query: { path, limit: MOST } } },
    { placeholderData: keepPreviousData },
  );
  const here = query.data?.here;
  const address = `/api/folders${path ? `?path=${encodeURIComponent(path)}` : ""}`;
  const choose = () => {
    if (!here) return;
    onChoose(here.path);
    onClose();
  };
  return (
    <Dialog
      title={t("folders.title")}
      isOpen
      onClose={onClose}
      footer={
        <>
          <CurlButton actions={[{ label: t("folders.look"), request: { method: "GET", path: address } }]} />
          <Button onPress={onClose}>{t("common.cancel")}</Button>
          <Button variant="primary" isDisabled={!here || query.isPlaceholderData} onPress={choose}>
            {t("folders.choose")}
          </Button>
        </>
      }
    >
      <QueryView query={query}>{(page) => <Listing page={page} onOpen={setPath} />}</QueryView>
    </Dialog>
  );
}

function Listing({ page, onOpen }: { page: Page; onOpen: (path: string) => void }) {
  return (
    <>
      <p className="break-all" aria-live="polite">
        {page.here ? (
          <>
            <strong>{page.here.path}</strong>{" "}
            <span className="text-dim">{t("folders.pictures", { count: page.here.num_pictures })}</span>
          </>
        ) : (
          <span className="text-dim">{t("folders.start")}</span>
        )}
      </p>
      <ul
        aria-label={t("folders.list")}
        className="h-80 divide-y divide-line overflow-y-auto rounded-control border border-line"
      >
        {page.here && (
          <Row
            icon="up"
            name={page.parent ? t("folders.parent") : t("folders.begin")}
            onPress={() => onOpen(page.parent ?? "")}
          />
        )}
        {page.folders.map((folder) => (
          <Row
            key={folder.path}
            icon="folder"
            name={page.here ? folder.name : folder.path}
            detail={folder.num_pictures > 0 ? t("folders.pictures", { count: folder.num_pictures }) : undefined}
            onPress={() => onOpen(folder.path)}
          />
        ))}
        {page.folders.length === 0 && <li className="p-4 text-dim">{t("folders.none")}</li>}
        {page.total > page.folders.length && (
          <li className="p-4 text-dim">{t("folders.more", { count: page.total - page.folders.length })}</li>
        )}
      </ul>
    </>
  );
}

type RowProps = { icon: IconName; name: string; detail?: string; onPress: () => void };

function Row({ icon, name, detail, onPress }: RowProps) {
  return (
    <li>
      <button
        type="button"
        className="flex min-h-11 w-full cursor-pointer items-center gap-3 px-4 text-left hover:bg-hover"
        onClick={onPress}
      >
        <Icon name={icon} size={18} className="text-faint" />
        <span className="min-w-0 grow truncate">{name}</span>
        {detail && <span className="text-dim text-small">{detail}</span>}
      </button>
    </li>
  );
}
