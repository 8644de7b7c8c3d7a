import { useState } from "react";
import { Menu, MenuItem, MenuTrigger, Popover } from "react-aria-components";
import { t } from "@/i18n";
import { CurlLine } from "@/shared/CurlLine";
import { Dialog } from "@/shared/Dialog";
import { Icon } from "@/shared/icons";
import { type MenuEntry, type MenuProps, MenuTriggerButton } from "@/shared/Menu";

/** The opened list of a MenuButton, and its button from then on. */
export default function MenuPopover(props: MenuProps) {
  const { actions = [] } = props;
  const [isCurlOpen, setIsCurlOpen] = useState(false);
  const curl: MenuEntry = {
    id: "curl",
    label: t("curl.button"),
    icon: "terminal",
    onAction: () => setIsCurlOpen(true),
  };
  return (
    <>
      <MenuTrigger defaultOpen>
        <MenuTriggerButton {...props} />
        <Popover className="popover" placement={props.placement ?? "bottom end"}>
          <Menu className="menu" aria-label={props.label} autoFocus="first">
            {[...props.entries, ...(actions.length > 0 ? [curl] : [])].map((entry) => (
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
      <Dialog title={t("curl.title")} isOpen={isCurlOpen} onClose={() => setIsCurlOpen(false)} isWide>
        {actions.map((action) => (
          <CurlLine key={action.label} {...action} />
        ))}
      </Dialog>
    </>
  );
}
