import { useEffect, useState } from "react";
import { ConceptPreview } from "@/features/config/ConceptPreview";
import {
  type ConfigField,
  elementFields,
  groupBy,
  type Issue,
  inElement,
  isChanged,
  isVisible,
  LEVELS,
  type Level,
  newElement,
} from "@/features/config/catalog";
import type { Editor } from "@/features/config/editor";
import { FieldRow } from "@/features/config/FieldRow";
import { type Config, getAt } from "@/features/config/paths";
import { t } from "@/i18n";
import { Button, IconButton } from "@/shared/Button";
import { Icon } from "@/shared/icons";

/** The settings that are lists of groups of settings. */
export const LISTS = ["concepts", "samples", "additional_embeddings"] as const;

type Props = {
  list: (typeof LISTS)[number];
  fields: readonly ConfigField[];
  byPath: ReadonlyMap<string, ConfigField>;
  config: Config;
  editor: Editor;
  level: Level;
  issues: ReadonlyMap<string, Issue[]>;
  /** The setting that somebody wants to see, whatever the level. */
  field?: string;
};

/** Concepts, samples, embeddings: cards that can be added, doubled and removed. */
export function ListEditor(props: Props) {
  const { list, fields, config, editor } = props;
  const value = getAt(config, list);
  const elements = Array.isArray(value) ? (value as Config[]) : [];
  const [open, setOpen] = useState<number | null>(elements.length === 1 ? 0 : null);
  const wanted = elementOf(props.field, list);
  useEffect(() => {
    if (wanted !== null) setOpen(wanted);
  }, [wanted]);
  const change = (next: Config[], opened: number | null) => {
    editor.set(list, next);
    setOpen(opened);
  };
  return (
    <section aria-label={t(`config.lists.${list}.title`)} className="grid gap-3 py-4">
      {elements.length === 0 && <p className="text-dim">{t(`config.lists.${list}.none`)}</p>}
      {elements.map((element, index) => (
        <div key={index} className="card overflow-hidden" data-path={`${list}.${index}`}>
          <div className="flex items-center gap-1 pr-2">
            <button
              type="button"
              className="flex min-h-14 min-w-0 grow cursor-pointer items-center gap-3 px-4 text-left"
              aria-expanded={open === index}
              onClick={() => setOpen(open === index ? null : index)}
            >
              <Icon name={open === index ? "up" : "down"} size={16} />
              <Title list={list} element={element} index={index} />
            </button>
            <IconButton
              icon="copy"
              isSmall
              label={t("config.double")}
              onPress={() =>
                change([...elements.slice(0, index + 1), element, ...elements.slice(index + 1)], index + 1)
              }
            />
            <IconButton
              icon="trash"
              isSmall
              label={t("config.remove")}
              onPress={() =>
                change(
                  elements.filter((_, other) => other !== index),
                  null,
                )
              }
            />
          </div>
          {open === index && <Element {...props} element={`${list}.${index}`} />}
        </div>
      ))}
      <Button
        icon="plus"
        className="justify-self-start"
        onPress={() => change([...elements, newElement(fields, list)], elements.length)}
      >
        {t(`config.lists.${list}.add`)}
      </Button>
    </section>
  );
}

/** `samples.2.seed` → 2 */
function elementOf(path: string | undefined, list: string): number | null {
  const [root, index] = path?.split(".") ?? [];
  return root === list && index !== undefined ? Number(index) : null;
}

function Title({ list, element, index }: { list: Props["list"]; element: Config; index: number }) {
  const title = String(
    element.name || element.prompt || element.placeholder || element.path || t("config.number", { index: index + 1 }),
  );
  const detail =
    list === "samples"
      ? t("config.sampleDetail", {
          width: Number(element.width),
          height: Number(element.height),
          seed: String(element.seed),
        })
      : String(element.path ?? "");
  return (
    <span className="min-w-0 grow">
      <span className={`block truncate font-medium ${element.enabled === false ? "text-faint line-through" : ""}`}>
        {title}
      </span>
      {detail && detail !== title && <span className="block truncate text-dim text-small">{detail}</span>}
    </span>
  );
}

function Element({
  list,
  element,
  fields,
  byPath,
  config,
  editor,
  level,
  issues,
  field: asked,
}: Props & { element: string }) {
  const rank = LEVELS.indexOf(level);
  const units = new Set(fields.map((field) => field.unit_path));
  const shown = elementFields(fields, list).filter((field) => {
    if (units.has(field.path) || !isVisible(field.visible_when, config, element)) return false;
    const isModified = isChanged(field, getAt(config, inElement(field.path, element))) && field.default !== null;
    return (
      inElement(field.path, element) === asked ||
      isModified ||
      (LEVELS.indexOf(field.importance) <= rank && (field.obeyed || level === "expert"))
    );
  });
  return (
    <div className="border-line border-t px-4">
      {groupBy(shown, (field) => field.group).map(([group, members]) => (
        <div key={group}>
          {members.map((field) => (
            <FieldRow
              key={field.path}
              field={field}
              fields={byPath}
              config={config}
              editor={editor}
              issues={issues}
              element={element}
            />
          ))}
        </div>
      ))}
      {list === "concepts" && <ConceptPreview config={config} concept={getAt(config, element) as Config} />}
    </div>
  );
}
