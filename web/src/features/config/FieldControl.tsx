import isSame from "fast-deep-equal";
import { useEffect, useState } from "react";
import { type ConfigField, isVisible } from "@/features/config/catalog";
import { type FormatReaders, useFormatReaders, withReaders } from "@/features/config/formatReaders";
import type { Config } from "@/features/config/paths";
import { t } from "@/i18n";
import { Switch, TextField } from "@/shared/fields";
import { SelectField } from "@/shared/SelectField";

type Props = {
  field: ConfigField;
  value: unknown;
  config: Config;
  /** The element of a list that the field belongs to, such as samples.0. */
  element?: string;
  problem?: string;
  /** What a text shows while nothing is entered. */
  placeholder?: string;
  onChange: (value: unknown) => void;
};

/** The control that fits a setting's type. */
export function FieldControl(props: Props) {
  const { field, value, onChange, problem } = props;
  switch (field.type) {
    case "boolean":
      return <Switch label={field.label} isLabelHidden isSelected={value === true} onChange={onChange} />;
    case "choice":
      return field.path === "output_model_format" ? <OutputFormat {...props} /> : <Choice {...props} />;
    case "integer":
    case "number":
      return <NumberControl {...props} />;
    case "string":
      return (
        <TextField
          label={field.label}
          isLabelHidden
          value={String(value ?? "")}
          problem={problem}
          placeholder={props.placeholder}
          rows={field.widget === "lines" ? 2 : undefined}
          onChange={(next) => onChange(next === "" && field.nullable ? null : next)}
        />
      );
    default:
      return <JsonControl {...props} />;
  }
}

const UNSET = "";

function Choice({ field, value, config, element, problem, onChange, readers }: Props & { readers?: FormatReaders[] }) {
  const options = field.options
    .filter((option) => option.value === value || isVisible(option.visible_when, config, element))
    .map((option) => ({
      value: option.value,
      label: option.obeyed ? option.label : t("config.optionWithoutEffect", { label: option.label }),
    }));
  if (field.nullable) options.unshift({ value: UNSET, label: t("config.unset") });
  return (
    <SelectField
      label={field.label}
      isLabelHidden
      value={value === null || value === undefined ? UNSET : String(value)}
      options={readers ? withReaders(options, readers) : options}
      help={readers?.find((one) => one.format === value)?.sentence}
      problem={problem}
      onChange={(next) => onChange(next === UNSET && field.nullable ? null : next)}
    />
  );
}

/** File formats, each with who reads it, the one that is read best first. */
function OutputFormat(props: Props) {
  return <Choice {...props} readers={useFormatReaders(props.config)} />;
}

/** What a number field holds when nothing is entered: the default of the chosen optimizer, where there is one. */
function placeholderOf(field: ConfigField, config: Config): string | undefined {
  const optimizer = config.optimizer as { optimizer?: string } | undefined;
  const preset = optimizer?.optimizer ? field.defaults_by_optimizer[optimizer.optimizer] : undefined;
  if (preset !== undefined && preset !== null) return t("config.automatic", { value: String(preset) });
  return field.nullable ? t("config.unset") : undefined;
}

function parseNumber(entered: string, field: ConfigField): number | string | null | undefined {
  const trimmed = entered.trim().replace(",", ".");
  if (trimmed === "") return field.nullable ? null : undefined;
  if (trimmed === "inf" || trimmed === "-inf") return trimmed;
  const parsed = Number(trimmed);
  return Number.isFinite(parsed) && (field.type === "number" || Number.isInteger(parsed)) ? parsed : undefined;
}

/** Numbers are text while they are typed (1e-4 begins with 1e), and become the value as soon as they are one. */
function NumberControl({ field, value, config, problem, onChange }: Props) {
  const shown = value === null || value === undefined ? "" : String(value);
  const [entered, setEntered] = useState(shown);
  useEffect(() => {
    setEntered((known) => (isSame(parseNumber(known, field), value ?? null) ? known : shown));
  }, [field, value, shown]);
  const parsed = parseNumber(entered, field);
  const outside = typeof parsed === "number" ? outsideOf(field, parsed) : null;
  const own = parsed === undefined ? t(field.type === "integer" ? "config.noWholeNumber" : "config.noNumber") : outside;
  return (
    <TextField
      label={field.label}
      isLabelHidden
      inputMode="decimal"
      value={entered}
      placeholder={placeholderOf(field, config)}
      problem={own ?? problem}
      onChange={(next) => {
        setEntered(next);
        const number = parseNumber(next, field);
        if (number !== undefined && (typeof number !== "number" || !outsideOf(field, number))) onChange(number);
      }}
    />
  );
}

function outsideOf(field: ConfigField, value: number): string | null {
  if (field.minimum !== null && value < field.minimum) return t("config.tooSmall", { limit: field.minimum });
  if (field.maximum !== null && value > field.maximum) return t("config.tooLarge", { limit: field.maximum });
  return null;
}

/** Maps and lists of plain values, which hardly anybody edits: as JSON. */
function JsonControl({ field, value, problem, onChange }: Props) {
  const [entered, setEntered] = useState(JSON.stringify(value ?? null));
  const [isBroken, setIsBroken] = useState(false);
  return (
    <TextField
      label={field.label}
      isLabelHidden
      rows={3}
      value={entered}
      problem={isBroken ? t("config.noJson") : problem}
      onChange={(next) => {
        setEntered(next);
        try {
          onChange(JSON.parse(next));
          setIsBroken(false);
        } catch {
          setIsBroken(true);
        }
      }}
    />
  );
}
