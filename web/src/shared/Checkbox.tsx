import { Checkbox as AriaCheckbox } from "react-aria-components";
import { Icon } from "@/shared/icons";

type Props = {
  label: string;
  isLabelHidden?: boolean;
  isSelected: boolean;
  isDisabled?: boolean;
  onChange: (isSelected: boolean) => void;
};

export function Checkbox({ label, isLabelHidden, ...props }: Props) {
  return (
    <AriaCheckbox {...props} aria-label={isLabelHidden ? label : undefined} className="checkbox">
      <span className="checkbox-box">{props.isSelected && <Icon name="check" size={14} />}</span>
      {!isLabelHidden && label}
    </AriaCheckbox>
  );
}
