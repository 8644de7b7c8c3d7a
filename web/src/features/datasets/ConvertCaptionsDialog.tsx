import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, client } from "@/api/client";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { listed } from "@/shared/format";
import { notify } from "@/shared/toasts";
import { useAction } from "@/shared/useAction";
import { QueryView } from "@/shared/views";

/** Captions that are not UTF-8, as they read in each encoding that they may have; the chosen one makes them UTF-8. */
export default function ConvertCaptionsDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const [chosen, setChosen] = useState("");
  const queries = useQueryClient();
  const params = { path: { name } };
  const query = api.useQuery("get", "/api/datasets/{name}/captions/encodings", { params }, { gcTime: 0 });
  const body = { encoding: chosen };
  const convert = useAction(() => client.POST("/api/datasets/{name}/captions/convert", { params, body }), {
    onDone: () => {
      notify("done", t("datasets.converted"));
      queries.invalidateQueries({ queryKey: ["get", "/api/datasets/{name}/pictures"] });
      onClose();
    },
  });
  const path = `/api/datasets/${encodeURIComponent(name)}/captions`;
  return (
    <Dialog
      title={t("datasets.convert")}
      isOpen
      isWide
      onClose={onClose}
      footer={
        <>
          <CurlButton
            actions={[{ label: t("datasets.convert"), request: { method: "POST", path: `${path}/convert`, body } }]}
          />
          <Button onPress={onClose}>{t("common.cancel")}</Button>
          <Button variant="primary" isDisabled={!chosen || convert.isPending} onPress={() => convert.mutate(undefined)}>
            {t("datasets.convert")}
          </Button>
        </>
      }
    >
      <QueryView query={query}>
        {({ files, encodings }) =>
          files.length === 0 ? (
            <p>{t("datasets.allUtf8")}</p>
          ) : (
            <fieldset className="grid gap-2">
              <legend className="mb-2">{t("datasets.notUtf8", { names: listed(files) })}</legend>
              {encodings.map((one) => (
                <label key={one.encoding} className="flex items-start gap-3 rounded-control bg-sunken p-3">
                  <input
                    type="radio"
                    name="encoding"
                    className="mt-1"
                    checked={chosen === one.encoding}
                    onChange={() => setChosen(one.encoding)}
                  />
                  <span className="grid gap-1">
                    <span className="font-medium">{one.label}</span>
                    {one.examples.map((example) => (
                      <span key={example.name} className="whitespace-pre-line break-words text-small">
                        {t("datasets.named", { name: example.name })}
                        {example.text}
                      </span>
                    ))}
                  </span>
                </label>
              ))}
            </fieldset>
          )
        }
      </QueryView>
    </Dialog>
  );
}
