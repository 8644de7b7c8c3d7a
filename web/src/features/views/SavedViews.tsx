import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "@/api/client";
import type { components } from "@/api/schema";
import { t } from "@/i18n";
import { Icon } from "@/shared/icons";
import { lazyDialog } from "@/shared/lazy";
import { MenuButton } from "@/shared/Menu";

export type View = components["schemas"]["View"];

const SavedViewsDialog = lazyDialog(() => import("@/features/views/SavedViewsDialog"));

/** Where a view is seen: among the runs, or beside each other. */
export function addressOf({ search, status, run_ids }: View) {
  if (run_ids?.length) return { to: "/compare" as const, search: { runs: run_ids.join(",") } };
  return { to: "/" as const, search: { search: search || undefined, status: status === "all" ? undefined : status } };
}

/** The views that somebody saved, to go to, and the current one, to save. */
export function SavedViews({ current }: { current: View }) {
  const [isOpen, setIsOpen] = useState(false);
  const navigate = useNavigate();
  const { data } = api.useQuery("get", "/api/views");
  const views = data?.views ?? [];
  return (
    <>
      <MenuButton
        label={t("views.title")}
        className="button button-quiet"
        entries={[
          ...views.map((view) => ({
            id: `view ${view.name}`,
            label: view.name,
            onAction: () => navigate(addressOf(view)),
          })),
          { id: "edit", label: t("views.edit"), icon: "edit" as const, onAction: () => setIsOpen(true) },
        ]}
      >
        <Icon name="save" size={18} />
        {t("views.title")}
      </MenuButton>
      {isOpen && <SavedViewsDialog current={current} views={views} onClose={() => setIsOpen(false)} />}
    </>
  );
}
