import { useState } from "react";
import { Button } from "react-aria-components";
import type { Request } from "@/api/curl";
import { t } from "@/i18n";
import { Icon } from "@/shared/icons";
import { lazyDialog } from "@/shared/lazy";

export type CurlAction = { label: string; request: Request };
export type CurlProps = { actions: CurlAction[]; isSmall?: boolean };

const CurlPopover = lazyDialog(() => import("@/shared/CurlPopover"));

/** Opens the shell lines that do what the buttons beside it do. */
export function CurlButton(props: CurlProps) {
  const [isWanted, setIsWanted] = useState(false);
  const trigger = <CurlTrigger {...props} onPress={() => setIsWanted(true)} onNear={CurlPopover.preload} />;
  return isWanted ? <CurlPopover {...props} fallback={trigger} onClose={() => setIsWanted(false)} /> : trigger;
}

export function CurlTrigger({ isSmall, onPress, onNear }: CurlProps & { onPress?: () => void; onNear?: () => void }) {
  return (
    <Button
      aria-label={t("curl.button")}
      aria-haspopup="dialog"
      className={`button button-quiet button-icon ${isSmall ? "button-small" : ""}`}
      onPress={onPress}
      onHoverStart={onNear}
      onFocus={onNear}
    >
      <Icon name="terminal" size={18} />
    </Button>
  );
}
