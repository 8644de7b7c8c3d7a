import { useState } from "react";
import { t } from "@/i18n";
import { Icon } from "@/shared/icons";

type Props = { src: string; alt?: string; className?: string; style?: React.CSSProperties; isLazy?: boolean };

/** A small picture; one that cannot be read says so instead of showing the browser's torn paper. */
export function Thumbnail({ src, alt = "", className = "", style, isLazy = false }: Props) {
  const [broken, setBroken] = useState<string | null>(null);
  if (broken === src) {
    return (
      <span className={`picture picture-broken ${className}`} style={style}>
        <Icon name="warning" />
        {t("common.unreadable")}
      </span>
    );
  }
  return (
    <img
      src={src}
      alt={alt}
      loading={isLazy ? "lazy" : undefined}
      className={`picture ${className}`}
      style={style}
      onError={() => setBroken(src)}
    />
  );
}
