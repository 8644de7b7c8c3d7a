import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import {
  type ConfigField,
  type ConfigTab,
  chooseFields,
  essentialFirst,
  findInLists,
  groupBy,
  isVisible,
  type Level,
  TABS,
} from "@/features/config/catalog";
import { EditorToolbar } from "@/features/config/EditorToolbar";
import type { Editor, EditorState } from "@/features/config/editor";
import { FieldRow, fieldId } from "@/features/config/FieldRow";
import { FoundInLists } from "@/features/config/FoundInLists";
import { useImportNotes } from "@/features/config/importNotes";
import { LISTS, ListEditor } from "@/features/config/ListEditor";
import { ProblemLine, Problems } from "@/features/config/Problems";
import { useIssues } from "@/features/config/useIssues";
import { t } from "@/i18n";
import { Icon } from "@/shared/icons";
import { lazyView } from "@/shared/lazy";
import { TabBar } from "@/shared/TabBar";
import { Empty } from "@/shared/views";

const ConflictDialog = lazyView(() => import("@/features/config/ConflictDialog"), null);
const ImportNotesDialog = lazyView(() => import("@/features/config/ImportNotesDialog"), null);
const JsonView = lazyView(() => import("@/features/config/JsonView"), null);
const LIST_TABS: Record<(typeof LISTS)[number], ConfigTab> = {
  concepts: "concepts",
  samples: "sampling",
  additional_embeddings: "embedding",
};

type Props = {
  editor: Editor;
  state: EditorState;
  fields: ConfigField[];
  byPath: ReadonlyMap<string, ConfigField>;
  isJson: boolean;
  onJson: (isJson: boolean) => void;
};

const route = getRouteApi("/configure");

export function EditorView({ editor, state, fields, byPath, isJson, onJson }: Props) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [level, setLevel] = useState<Level>("common");
  const [words, setWords] = useState("");
  const [jumps, setJumps] = useState(0);
  const report = useIssues(state.config);
  const notes = useImportNotes();
  const { config } = state;
  const shown = useMemo(
    () => chooseFields(fields, { config, level, search: words, problems: report.paths }),
    [fields, config, level, words, report.paths],
  );
  const lists = LISTS.filter((list) => isVisible(byPath.get(list)?.visible_when ?? [], config));
  const tabs = TABS.filter(
    (tab) => shown.some((field) => field.tab === tab) || lists.some((list) => LIST_TABS[list] === tab),
  );
  const tab = tabs.find((one) => one === search.tab) ?? tabs[0];
  const inTab = words ? shown : shown.filter((field) => field.tab === tab);

  const inLists = useMemo(() => findInLists(fields, words), [fields, words]);
  const grouped = groupBy(inTab, (field) => field.group);
  const groups = words ? grouped : essentialFirst(grouped);

  const jump = (path: string) => {
    const [root = ""] = path.split(/[.[]/);
    const list = LISTS.find((one) => one === root);
    const target = list ? LIST_TABS[list] : (byPath.get(path)?.tab ?? tab);
    setWords("");
    onJson(false);
    setJumps((known) => known + 1);
    navigate({ search: { tab: target, field: path }, replace: true, resetScroll: false });
  };
  useJump(search.field, jumps);

  return (
    <>
      <EditorToolbar
        {...{ editor, state, level, words, isJson, report }}
        onLevel={setLevel}
        onWords={setWords}
        onJson={onJson}
        onJump={jump}
      />
      {state.refused && (
        <p role="alert" className="mb-4 flex gap-2 rounded-control bg-bad-soft p-3">
          <Icon name="error" className="text-bad" /> {t("config.refused", { detail: state.refused })}
        </p>
      )}
      {isJson ? (
        <JsonView config={config} onChange={(next) => editor.replace(next)} />
      ) : (
        <div className="grid items-start gap-8 xl:grid-cols-[minmax(0,1fr)_320px]">
          <div className="min-w-0">
            <div className="xl:hidden">
              <ProblemLine report={report} onJump={jump} />
            </div>
            {!words && (
              <TabBar label={t("config.tabsLabel")} current={tab} className="mb-2">
                {tabs.map((one) => (
                  <route.Link
                    key={one}
                    to="."
                    search={{ tab: one }}
                    replace
                    resetScroll={false}
                    className="tab"
                    activeOptions={{ exact: true, includeSearch: true }}
                    aria-current={one === tab ? "page" : undefined}
                  >
                    {t(`config.tabs.${one}`)}
                  </route.Link>
                ))}
              </TabBar>
            )}
            {!words &&
              lists
                .filter((list) => LIST_TABS[list] === tab)
                .map((list) => (
                  <ListEditor
                    key={list}
                    list={list}
                    fields={fields}
                    byPath={byPath}
                    config={config}
                    editor={editor}
                    level={level}
                    issues={report.byPath}
                    field={search.field}
                  />
                ))}
            {inTab.length === 0 && inLists.length === 0 && words && <Empty icon="search" title={t("config.noField")} />}
            {inLists.length > 0 && <FoundInLists found={inLists} config={config} onJump={jump} />}
            {groups.map(([group, members]) => (
              <section key={group} aria-label={group} className="pt-6">
                <h2 className="text-heading">{group}</h2>
                {members
                  .filter((field) => !LISTS.some((list) => list === field.path))
                  .map((field) => (
                    <FieldRow
                      key={field.path}
                      field={field}
                      fields={byPath}
                      config={config}
                      editor={editor}
                      issues={report.byPath}
                    />
                  ))}
              </section>
            ))}
          </div>
          <div className="sticky top-4 max-xl:hidden">
            <Problems report={report} onJump={jump} />
          </div>
        </div>
      )}
      {notes.length > 0 && <ImportNotesDialog notes={notes} />}
      {state.theirs && <ConflictDialog editor={editor} state={state} />}
    </>
  );
}

/** Bring the field named in the address into view and into focus, at each of the `jumps` to it. */
function useJump(path: string | undefined, jumps: number): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: to the same field again is a jump too.
  useEffect(() => {
    if (!path) return;
    const row =
      document.getElementById(fieldId(path)) ??
      document.querySelector(`[data-path="${CSS.escape(path.split(/\.(?=\D)/)[0] ?? "")}"]`);
    row?.scrollIntoView({ block: "center" });
    row?.querySelector<HTMLElement>("input, select, textarea, button[aria-expanded]")?.focus({ preventScroll: true });
  }, [path, jumps]);
}
