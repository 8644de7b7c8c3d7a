import { Menu, MenuItem, MenuTrigger, Popover } from "react-aria-components";
import { Icon } from "@/shared/icons";
import { type MenuProps, MenuTriggerButton } from "@/shared/Menu";

/** The opened list of a MenuButton, and its button from then on. */
export default function MenuPopover(props: MenuProps) {
  return (
    <MenuTrigger defaultOpen>
      <MenuTriggerButton {...props} />
      <Popover className="popover" placement={props.placement ?? "bottom end"}>
        <Menu className="menu" aria-label={props.label}>
          {props.entries.map((entry) => (
            <MenuItem
              key={entry.id}
              id={entry.id}
              isDisabled={entry.isDisabled}
              onAction={entry.onAction}
              className={`menu-item ${entry.isDanger && !entry.isDisabled ? "text-bad" : ""}`}
            >
              {entry.icon && <Icon name={entry.icon} size={18} />}
              {entry.label}
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
