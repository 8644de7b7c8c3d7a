import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, client } from "@/api/client";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CurlButton } from "@/shared/Curl";
import { TextField } from "@/shared/fields";
import { useAction } from "@/shared/useAction";
import { ErrorView } from "@/shared/views";

const KEY = ["get", "/api/secrets", {}];

/** Secrets can be set and removed here; the server never shows them again. */
export function SecretsCard() {
  const { data, error } = api.useQuery("get", "/api/secrets", {});
  const [token, setToken] = useState("");
  const queries = useQueryClient();
  const save = useAction((huggingface_token: string) => client.PUT("/api/secrets", { body: { huggingface_token } }), {
    done: t("settings.secretSaved"),
    onDone: (state) => {
      setToken("");
      queries.setQueryData(KEY, state);
    },
  });
  const isSet = data?.secrets.huggingface_token ?? false;
  const request = {
    method: "PUT",
    path: "/api/secrets",
    body: { huggingface_token: t("settings.tokenPlace") },
  } as const;
  return (
    <section aria-labelledby="secrets" className="card grid gap-3 p-4">
      <h2 id="secrets" className="text-heading">
        {t("settings.secrets")}
      </h2>
      <p className="text-dim">{t("settings.secretsHint")}</p>
      {error && <ErrorView error={error} />}
      <form
        className="flex flex-wrap items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          if (token) save.mutate(token);
        }}
      >
        <TextField
          className="grow"
          label={t("settings.huggingface")}
          type="password"
          value={token}
          onChange={setToken}
          placeholder={isSet ? t("settings.isSet") : t("settings.isNotSet")}
        />
        <Button type="submit" variant="primary" isDisabled={!token || save.isPending}>
          {t("config.saveButton")}
        </Button>
        {isSet && (
          <Button variant="danger" isDisabled={save.isPending} onPress={() => save.mutate("")}>
            {t("config.remove")}
          </Button>
        )}
        <CurlButton
          actions={[
            { label: t("config.saveButton"), request },
            { label: t("config.remove"), request: { ...request, body: { huggingface_token: "" } } },
          ]}
        />
      </form>
    </section>
  );
}
