import { useId } from "react";
import {
  Switch as AriaSwitch,
  TextField as AriaTextField,
  FieldError,
  Input,
  Label,
  Text,
  TextArea,
} from "react-aria-components";
import { Icon } from "@/shared/icons";

type Common = { label: string; isLabelHidden?: boolean; help?: string; problem?: string; className?: string };

export function TextField({
  label,
  isLabelHidden,
  help,
  problem,
  className = "",
  value,
  onChange,
  rows,
  ...props
}: Common & {
  value: string;
  onChange: (value: string) => void;
  onBlur?: () => void;
  rows?: number;
  placeholder?: string;
  type?: string;
  autoComplete?: string;
  inputMode?: "numeric" | "decimal" | "text";
  autoFocus?: boolean;
  isDisabled?: boolean;
  isRequired?: boolean;
}) {
  const { placeholder, inputMode, ...fieldProps } = props;
  return (
    <AriaTextField
      {...fieldProps}
      value={value}
      onChange={onChange}
      isInvalid={Boolean(problem)}
      aria-label={isLabelHidden ? label : undefined}
      className={`field ${className}`}
    >
      {!isLabelHidden && <Label className="label">{label}</Label>}
      {rows ? (
        <TextArea className="input" rows={rows} placeholder={placeholder} />
      ) : (
        <Input className="input" placeholder={placeholder} inputMode={inputMode} />
      )}
      {help && (
        <Text slot="description" className="help">
          {help}
        </Text>
      )}
      <FieldError className="problem">{problem}</FieldError>
    </AriaTextField>
  );
}

export type Option = { value: string; label: string };

/** The browser's own list: the best there is on a phone, and light. */
export function SelectField({
  label,
  isLabelHidden,
  help,
  problem,
  className = "",
  value,
  options,
  onChange,
  isDisabled,
}: Common & {
  value: string | null;
  options: readonly Option[];
  onChange: (value: string) => void;
  isDisabled?: boolean;
}) {
  const id = useId();
  return (
    <div className={`field ${className}`}>
      {!isLabelHidden && (
        <label className="label" htmlFor={id}>
          {label}
        </label>
      )}
      <div className="select-box">
        <select
          id={id}
          className="input select"
          aria-label={isLabelHidden ? label : undefined}
          aria-invalid={Boolean(problem)}
          aria-describedby={help || problem ? `${id}-help` : undefined}
          disabled={isDisabled}
          value={value ?? ""}
          onChange={(event) => onChange(event.target.value)}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
        <Icon name="down" size={16} />
      </div>
      {(help || problem) && (
        <div id={`${id}-help`}>
          {help && <p className="help">{help}</p>}
          {problem && <p className="problem">{problem}</p>}
        </div>
      )}
    </div>
  );
}

export function Switch({
  label,
  isSelected,
  onChange,
  isDisabled,
  isLabelHidden,
}: {
  label: string;
  isSelected: boolean;
  onChange: (isSelected: boolean) => void;
  isDisabled?: boolean;
  isLabelHidden?: boolean;
}) {
  return (
    <AriaSwitch
      isSelected={isSelected}
      onChange={onChange}
      isDisabled={isDisabled}
      aria-label={isLabelHidden ? label : undefined}
      className="switch"
    >
      <span className="switch-track" />
      {!isLabelHidden && label}
    </AriaSwitch>
  );
}
