import { CurveOf } from "@/features/config/CurveOf";
import { type ConfigField, type Issue, inElement, isChanged } from "@/features/config/catalog";
import type { Editor } from "@/features/config/editor";
import { FieldControl } from "@/features/config/FieldControl";
import { FolderButton } from "@/features/config/FolderButton";
import { alongWith, namedPatterns } from "@/features/config/layerChoice";
import { type Config, getAt } from "@/features/config/paths";
import { t } from "@/i18n";
import { IconButton } from "@/shared/Button";
import { Icon } from "@/shared/icons";
import { showJson } from "@/shared/json";

type Props = {
  field: ConfigField;
  fields: ReadonlyMap<string, ConfigField>;
  config: Config;
  editor: Editor;
  issues: ReadonlyMap<string, Issue[]>;
  element?: string;
};

export function fieldId(path: string): string {
  return `field-${path.replaceAll(/[^\w]/g, "-")}`;
}

/** One setting: what it is called, what it does, its value, and whether it differs from the default. */
export function FieldRow({ field, fields, config, editor, issues, element = "" }: Props) {
  const path = inElement(field.path, element);
  const value = getAt(config, path);
  const unitPath = field.unit_path && inElement(field.unit_path, element);
  const unit = field.unit_path ? fields.get(field.unit_path) : undefined;
  const own = issues.get(path) ?? [];
  const error = own.find((issue) => issue.severity === "error");
  const isModified = isChanged(field, value) || (unit !== undefined && isChanged(unit, getAt(config, unitPath)));
  const reset = () => {
    editor.set(path, field.default, alongWith(path, field.default, config, fields));
    if (unit) editor.set(unitPath, unit.default);
  };
  return (
    <div id={fieldId(path)} data-path={path} className="field-row">
      <div className="min-w-0">
        <p className="flex min-h-7 items-center gap-2 font-medium">
          {isModified && (
            <span
              role="img"
              aria-label={t("config.changed")}
              title={t("config.changed")}
              className="size-1.5 flex-none rounded-full bg-accent"
            />
          )}
          {field.label}
          {!field.obeyed && (
            <span className="rounded-small bg-sunken px-1.5 text-faint text-tiny">{t("config.withoutEffect")}</span>
          )}
          {isModified && field.type !== "map" && (
            <IconButton
              icon="undo"
              isSmall
              label={t("config.reset", { value: showJson(field.default) })}
              onPress={reset}
            />
          )}
        </p>
        <p className="help">
          {field.help} {field.note}
        </p>
      </div>
      <div className="grid min-w-0 content-start gap-2">
        <div className="flex items-start gap-2">
          <div className="min-w-0 grow">
            <FieldControl
              field={field}
              value={value}
              config={config}
              element={element}
              problem={error?.message}
              placeholder={namedPatterns(path, config, fields)}
              onChange={(next) => editor.set(path, next, alongWith(path, next, config, fields))}
            />
          </div>
          {unit && (
            <div className="w-32 flex-none">
              <FieldControl
                field={unit}
                value={getAt(config, unitPath)}
                config={config}
                element={element}
                onChange={(next) => editor.set(unitPath, next)}
              />
            </div>
          )}
          {field.widget === "folder" && <FolderButton onChoose={(folder) => editor.set(path, folder)} />}
          {field.unit && <span className="pt-2 text-dim">{field.unit}</span>}
        </div>
        {own
          .filter((issue) => issue !== error || field.type === "boolean")
          .map((issue) => (
            <p
              key={issue.message}
              className={`flex gap-2 text-small ${issue.severity === "error" ? "text-bad" : "text-warn"}`}
            >
              <Icon name="warning" size={16} className="mt-0.5" />
              {issue.message}
            </p>
          ))}
        <CurveOf path={field.path} config={config} />
      </div>
    </div>
  );
}
