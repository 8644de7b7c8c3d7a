import {
  Switch as AriaSwitch,
  TextField as AriaTextField,
  FieldError,
  Input,
  Label,
  Text,
  TextArea,
} from "react-aria-components";
import type { FieldProps } from "@/shared/SelectField";

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
}: FieldProps & {
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
