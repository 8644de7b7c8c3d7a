import isSame from "fast-deep-equal";
import { useEffect, useState } from "react";
import type { Config } from "@/features/config/paths";
import { t } from "@/i18n";
import { CopyButton } from "@/shared/CopyButton";
import { TextField } from "@/shared/fields";

function parse(entered: string): Config | null {
  try {
    const parsed: unknown = JSON.parse(entered);
    return parsed && typeof parsed === "object" && !Array.isArray(parsed) ? (parsed as Config) : null;
  } catch {
    return null;
  }
}

/** The same state as text; it is taken over as soon as it is JSON again. */
export default function JsonView({ config, onChange }: { config: Config; onChange: (config: Config) => void }) {
  const [entered, setEntered] = useState(() => JSON.stringify(config, null, 2));
  useEffect(() => {
    setEntered((known) => (isSame(parse(known), config) ? known : JSON.stringify(config, null, 2)));
  }, [config]);
  return (
    <div className="json-view relative font-mono">
      <TextField
        label={t("config.asJson")}
        rows={36}
        value={entered}
        problem={parse(entered) ? undefined : t("config.noJson")}
        onChange={(next) => {
          setEntered(next);
          const parsed = parse(next);
          if (parsed && !isSame(parsed, config)) onChange(parsed);
        }}
      />
      <div className="absolute top-0 right-0">
        <CopyButton value={entered} label={t("configuration.copy")} />
      </div>
    </div>
  );
}
