import { useState } from "react";
import { api, client } from "@/api/client";
import { isLoggedIn } from "@/api/login";
import type { components } from "@/api/schema";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { CopyButton } from "@/shared/CopyButton";
import { CurlButton } from "@/shared/Curl";
import { Dialog } from "@/shared/Dialog";
import { useAction } from "@/shared/useAction";
import { QueryView } from "@/shared/views";

type Access = components["schemas"]["Access"];

const RENEW = { method: "POST", path: "/api/access/token" } as const;
const LOG_OUT = { method: "DELETE", path: "/api/access/login" } as const;
const LOG_ALL_OUT = { method: "DELETE", path: "/api/access/logins" } as const;

/** Who may reach this server and what it may read, as it was started; its token can be replaced. */
export function AccessCard() {
  const query = api.useQuery("get", "/api/access", {});
  return (
    <section aria-labelledby="access" className="card grid gap-3 p-4">
      <h2 id="access" className="text-heading">
        {t("settings.access")}
      </h2>
      <p className="text-dim">{t("settings.accessHint")}</p>
      <QueryView query={query} rows={2}>
        {(access) => (
          <>
            <dl className="grid gap-3">
              {factsOf(access).map(({ label, value, variable }) => (
                <div key={variable}>
                  <dt className="flex flex-wrap items-baseline justify-between gap-x-3">
                    <span className="text-dim">{label}</span>
                    <code className="text-faint">{variable}</code>
                  </dt>
                  <dd className="break-words font-medium">{value}</dd>
                </div>
              ))}
            </dl>
            {access.is_open_through_a_proxy && <p className="text-warn">{t("settings.openThroughAProxy")}</p>}
            {access.token !== "none" && (
              <div className="flex flex-wrap items-center gap-2">
                {access.token === "workspace" && <NewToken />}
                <LogOut numLogins={access.num_logins} />
              </div>
            )}
          </>
        )}
      </QueryView>
    </section>
  );
}

function factsOf(access: Access) {
  const values = {
    ONETRAINER_WEB_HOST: `${access.host}:${access.port}`,
    ONETRAINER_WEB_TOKEN: t(`settings.tokens.${access.token}`),
    ONETRAINER_WEB_WORKSPACE: access.workspace,
    ONETRAINER_WEB_ALLOWED_ROOTS: access.allowed_roots.join(", ") || t("settings.everything"),
    ONETRAINER_WEB_ALLOWED_HOSTS: access.allowed_hosts.join(", ") || t("settings.none"),
    ONETRAINER_WEB_ALLOWED_ORIGINS: access.allowed_origins.join(", ") || t("settings.none"),
  };
  return Object.entries(values).map(([variable, value]) => ({
    variable,
    value,
    label: t(`settings.facts.${variable as keyof typeof values}`),
  }));
}

/** Ends the login of this browser, or of all: the page then asks for the token. */
function LogOut({ numLogins }: { numLogins: number }) {
  const onDone = () => isLoggedIn.set(false);
  const logOut = useAction(() => client.DELETE(LOG_OUT.path), { onDone });
  const logAllOut = useAction(() => client.DELETE(LOG_ALL_OUT.path), { onDone });
  return (
    <>
      <Button onPress={() => logOut.mutate(undefined)}>{t("settings.logOut")}</Button>
      <Button onPress={() => logAllOut.mutate(undefined)}>{t("settings.logAllOut", { browsers: numLogins })}</Button>
      <CurlButton
        actions={[
          { label: t("settings.logOut"), request: LOG_OUT },
          { label: t("settings.logAllOut", { browsers: numLogins }), request: LOG_ALL_OUT },
        ]}
      />
    </>
  );
}

/** The link is shown this once; it logs in a phone, say. */
function NewToken() {
  const [isAsking, setIsAsking] = useState(false);
  const renew = useAction(() => client.POST(RENEW.path));
  const link = renew.data && window.location.origin + renew.data.login_path;
  const close = () => {
    setIsAsking(false);
    renew.reset();
  };
  return (
    <div>
      <Button onPress={() => setIsAsking(true)}>{t("settings.newToken")}</Button>
      <Dialog
        title={t("settings.newToken")}
        isOpen={isAsking}
        onClose={close}
        footer={
          <>
            {!link && <CurlButton actions={[{ label: t("settings.newToken"), request: RENEW }]} />}
            <Button onPress={close}>{link ? t("common.close") : t("common.cancel")}</Button>
            {!link && (
              <Button variant="danger" isDisabled={renew.isPending} onPress={() => renew.mutate(undefined)}>
                {t("settings.replaceToken")}
              </Button>
            )}
          </>
        }
      >
        <p className="text-dim">{link ? t("settings.newTokenDone") : t("settings.newTokenHint")}</p>
        {link && (
          <div className="flex items-center gap-2">
            <code className="min-w-0 grow break-all">{link}</code>
            <CopyButton value={link} label={t("settings.copyLink")} />
          </div>
        )}
      </Dialog>
    </div>
  );
}
