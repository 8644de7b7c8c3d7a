import { Outlet } from "@tanstack/react-router";

import { useIsConnected, useLiveQueries } from "@/api/live";
import { isLoggedIn } from "@/api/login";
import { t } from "@/i18n";
import { BottomBar } from "@/layout/BottomBar";
import { SideBar } from "@/layout/SideBar";
import { Toasts } from "@/layout/Toasts";
import { useTitle } from "@/layout/useTitle";
import { Icon } from "@/shared/icons";
import { lazyView } from "@/shared/lazy";
import { useStore } from "@/shared/store";

const LoginDialog = lazyView(() => import("@/layout/LoginDialog"), null);

/** What surrounds every view: where one can go, what trains now, and whether the server is there. */
export function Shell() {
  useLiveQueries();
  useTitle();
  return (
    <div className="shell">
      <a href="#main" className="button button-primary skip-link">
        {t("nav.skip")}
      </a>
      <SideBar />
      <div className="min-w-0">
        <ConnectionNotice />
        <main id="main" tabIndex={-1} className="page outline-none">
          <Outlet />
        </main>
      </div>
      <BottomBar />
      <Toasts />
      {!useStore(isLoggedIn) && <LoginDialog />}
    </div>
  );
}

function ConnectionNotice() {
  const isConnected = useIsConnected();
  return (
    <div role="status" aria-live="polite" className="sticky top-0 z-20 h-0">
      {!isConnected && (
        <p className="flex items-center justify-center gap-2 bg-warn-soft px-4 py-1 text-small text-warn">
          <Icon name="warning" size={16} />
          {t("connection.lost")}
        </p>
      )}
    </div>
  );
}
