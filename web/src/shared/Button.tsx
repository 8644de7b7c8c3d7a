import { Button as AriaButton, type ButtonProps } from "react-aria-components";
import { Icon, type IconName } from "@/shared/icons";

type Variant = "plain" | "primary" | "danger" | "destroy" | "quiet";

type Props = Omit<ButtonProps, "children" | "className"> & {
  variant?: Variant;
  isSmall?: boolean;
  icon?: IconName;
  className?: string;
  children?: React.ReactNode;
};

function classes(variant: Variant, isSmall: boolean, extra = ""): string {
  return `button button-${variant} ${isSmall ? "button-small" : ""} ${extra}`;
}

export function Button({ variant = "plain", isSmall = false, icon, className, children, ...props }: Props) {
  return (
    <AriaButton {...props} className={classes(variant, isSmall, className)}>
      {icon && <Icon name={icon} size={isSmall ? 16 : 18} />}
      {children}
    </AriaButton>
  );
}

/** A button that shows only its icon; the label is read out, and shown on hover by the style sheet. */
export function IconButton({
  icon,
  label,
  variant = "quiet",
  isSmall = false,
  className = "",
  ...props
}: Omit<Props, "children" | "icon"> & { icon: IconName; label: string }) {
  return (
    <AriaButton {...props} aria-label={label} className={classes(variant, isSmall, `button-icon ${className}`)}>
      <Icon name={icon} size={isSmall ? 16 : 18} />
    </AriaButton>
  );
}
