import { useId } from "react";
import { Icon } from "@/shared/icons";

/** What every field has: a label, seen or only read out, and what is said of its value. */
export type FieldProps = {
  label: string;
  isLabelHidden?: boolean;
  help?: string;
  problem?: string;
  className?: string;
};

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
}: FieldProps & {
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
