import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { type AskedRuns, FILTER_NAMES, filterOf } from "@/features/runs/asked";
import { COLUMNS, chosenColumns, toggleColumn } from "@/features/runs/columns";
import { GROUPINGS } from "@/features/runs/groups";
import { SavedViews } from "@/features/views/SavedViews";
import { t } from "@/i18n";
import { TextField } from "@/shared/fields";
import { Icon } from "@/shared/icons";
import { MenuButton } from "@/shared/Menu";
import { Segmented } from "@/shared/Segmented";
import { SelectField } from "@/shared/SelectField";
import { useStore } from "@/shared/store";
import { useIsWide } from "@/shared/useIsWide";

const route = getRouteApi("/");

/** Which runs the list shows, and how. */
export function RunsToolbar() {
  const asked = route.useSearch();
  const { search = "" } = asked;
  const navigate = route.useNavigate();
  // While the cursor is in the field it shows what was typed: the address follows when the browser finds the time.
  const [typed, setTyped] = useState<string | null>(null);
  const columns = useStore(chosenColumns);
  const isWide = useIsWide();
  const filter = filterOf(asked.status);
  const ask = (change: AskedRuns) =>
    navigate({ search: (old) => ({ ...old, ...change }), replace: true, resetScroll: false });
  return (
    <div className="mb-4 flex flex-wrap items-center gap-3">
      <TextField
        label={t("runs.search")}
        isLabelHidden
        placeholder={t("runs.search")}
        value={typed ?? search}
        onChange={(value) => {
          setTyped(value);
          ask({ search: value || undefined });
        }}
        onBlur={() => setTyped(null)}
        className="w-full sm:w-64"
      />
      <Segmented
        label={t("runs.filter")}
        value={filter}
        options={FILTER_NAMES.map((value) => ({ value, label: t(`runs.filters.${value}`) }))}
        onChange={(value) => ask({ status: value === "all" ? undefined : value })}
      />
      <SelectField
        label={t("runs.groupBy")}
        isLabelHidden
        className="w-44"
        value={asked.group ?? "none"}
        options={GROUPINGS.map((value) => ({ value, label: t(`runs.groupings.${value}`) }))}
        onChange={(value) => ask({ group: GROUPINGS.find((one) => one === value && one !== "none") })}
      />
      {isWide && (
        <MenuButton
          label={t("runs.chooseColumns")}
          className="button button-quiet"
          entries={COLUMNS.map((column) => ({
            id: column.id,
            label: t(column.label),
            icon: columns.includes(column.id) ? "check" : "plus",
            onAction: () => toggleColumn(column.id),
          }))}
        >
          <Icon name="grid" size={18} />
          {t("runs.chooseColumns")}
        </MenuButton>
      )}
      <SavedViews current={{ search, status: filter, run_ids: [] }} />
    </div>
  );
}
