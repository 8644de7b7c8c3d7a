import { Link, useNavigate } from "@tanstack/react-router";
import { DropZone, FileTrigger } from "react-aria-components";
import { bringConfig } from "@/features/config/current";
import { IMPORT_REQUEST, readConfigFile } from "@/features/config/readConfigFile";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { useAction } from "@/shared/useAction";

export function ImportConfig() {
  const navigate = useNavigate();
  const bring = useAction(async (file: File) => bringConfig(await readConfigFile(file), { filename: file.name }), {
    onDone: () => navigate({ to: "/configure" }),
  });
  return (
    <DropZone
      aria-label={t("first.importTitle")}
      className="card grid content-between gap-8 p-6 max-sm:p-4 data-drop-target:border-accent data-drop-target:bg-accent-soft"
      onDrop={async (event) => {
        const item = event.items.find((one) => one.kind === "file");
        if (item) bring.mutate(await item.getFile());
      }}
    >
      <div className="grid gap-2">
        <div className="flex items-center justify-between gap-2">
          <h2 className="text-heading">{t("first.importTitle")}</h2>
          <CurlButton actions={[{ label: t("first.import"), request: IMPORT_REQUEST }]} />
        </div>
        <p className="text-dim">{t("first.importHint")}</p>
      </div>
      <div className="flex flex-wrap items-center gap-2">
        <FileTrigger
          acceptedFileTypes={[".json", "application/json"]}
          onSelect={(files) => {
            const file = files?.[0];
            if (file) bring.mutate(file);
          }}
        >
          <Button icon="upload">{t("first.import")}</Button>
        </FileTrigger>
        <Link to="/configure" className="button button-quiet">
          {t("first.scratch")}
        </Link>
      </div>
    </DropZone>
  );
}
