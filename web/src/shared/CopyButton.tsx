import { useState } from "react";
import { t } from "@/i18n";
import { IconButton } from "@/shared/Button";
import { notify } from "@/shared/toasts";

const SHOWN_MS = 1500;

/** Copy; pages that are not served securely have no clipboard, so the old way is tried too. */
export async function copyText(value: string): Promise<boolean> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(value);
    return true;
  }
  const area = document.createElement("textarea");
  area.value = value;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  return isCopied;
}

export function CopyButton({ value, label }: { value: string; label: string }) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    const isDone = await copyText(value).catch(() => false);
    if (!isDone) return notify("error", t("common.copyFailed"));
    setIsCopied(true);
    setTimeout(() => setIsCopied(false), SHOWN_MS);
  };
  return (
    <IconButton
      icon={isCopied ? "check" : "copy"}
      label={isCopied ? t("common.copied") : label}
      isSmall
      onPress={copy}
    />
  );
}
