import { Link, useNavigate } from "@tanstack/react-router";
import { DropZone, FileTrigger } from "react-aria-components";
import { client } from "@/api/client";
import { Button } from "@/shared/Button";
import { useAction } from "@/shared/useAction";
import { text } from "@/text";

type Config = Record<string, unknown>;

/** A configuration from a file of OneTrainer's or ours. */
export async function readConfigFile(file: File): Promise<Config> {
  const parsed: unknown = await file
    .text()
    .then(JSON.parse)
    .catch(() => null);
  if (!parsed || typeof parsed !== "object" || Array.isArray(parsed)) throw new Error(text.first.noConfig(file.name));
  return parsed as Config;
}

export function ImportConfig() {
  const navigate = useNavigate();
  const bring = useAction(
    async (file: File) => client.PUT("/api/config/current", { body: { config: await readConfigFile(file) } }),
    { onDone: () => navigate({ to: "/configure" }) },
  );
  return (
    <DropZone
      aria-label={text.first.importTitle}
      className="card grid content-between gap-8 p-6 data-drop-target:border-accent data-drop-target:bg-accent-soft"
      onDrop={async (event) => {
        const item = event.items.find((one) => one.kind === "file");
        if (item) bring.mutate(await item.getFile());
      }}
    >
      <div className="grid gap-2">
        <h2 className="text-heading">{text.first.importTitle}</h2>
        <p className="text-dim">{text.first.importHint}</p>
      </div>
      <div className="flex flex-wrap items-center gap-2">
        <FileTrigger
          acceptedFileTypes={[".json", "application/json"]}
          onSelect={(files) => {
            const file = files?.[0];
            if (file) bring.mutate(file);
          }}
        >
          <Button icon="upload">{text.first.import}</Button>
        </FileTrigger>
        <Link to="/configure" className="button button-quiet">
          {text.first.scratch}
        </Link>
      </div>
    </DropZone>
  );
}
