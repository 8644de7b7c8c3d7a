import { useState } from "react";
import { Button } from "react-aria-components";
import type { CurlAction } from "@/shared/Curl";
import { Icon, type IconName } from "@/shared/icons";
import { lazyDialog } from "@/shared/lazy";

export type MenuEntry = {
  id: string;
  label: string;
  icon?: IconName;
  isDanger?: boolean;
  isDisabled?: boolean;
  onAction: () => void;
};

export type MenuProps = {
  label: string;
  entries: MenuEntry[];
  /** What the entries do, for the shell; shown from an entry of its own. */
  actions?: CurlAction[];
  className?: string;
  placement?: "bottom end" | "top end";
  isCurrent?: boolean;
  /** What the button shows. */
  children?: React.ReactNode;
};

const MenuPopover = lazyDialog(() => import("@/shared/MenuPopover"));

/** A button with a list of actions. The list is loaded when somebody comes near it, so that the first view is light. */
export function MenuButton(props: MenuProps) {
  const [isWanted, setIsWanted] = useState(false);
  const trigger = <MenuTriggerButton {...props} onPress={() => setIsWanted(true)} onNear={MenuPopover.preload} />;
  return isWanted ? <MenuPopover {...props} fallback={trigger} onClose={() => setIsWanted(false)} /> : trigger;
}

export function MenuTriggerButton({
  label,
  className = "button button-quiet button-icon",
  isCurrent,
  children,
  onPress,
  onNear,
}: MenuProps & { onPress?: () => void; onNear?: () => void }) {
  return (
    <Button
      aria-label={label}
      aria-haspopup="menu"
      aria-current={isCurrent ? "page" : undefined}
      className={className}
      onPress={onPress}
      onHoverStart={onNear}
      onFocus={onNear}
    >
      {children ?? <Icon name="more" size={18} />}
    </Button>
  );
}
