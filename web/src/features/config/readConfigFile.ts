import type { Request } from "@/api/curl";

import { t } from "@/i18n";

/** The JSON object in a file that a person chose; whether it is a configuration, the server says. */
export async function readConfigFile(file: File): Promise<Record<string, unknown>> {
  const parsed: unknown = await file
    .text()
    .then(JSON.parse)
    .catch(() => null);
  if (!parsed || typeof parsed !== "object" || Array.isArray(parsed))
    throw new Error(t("first.noConfig", { name: file.name }));
  return parsed as Record<string, unknown>;
}

/** The same from a shell; the answer is the whole configuration, to be started or made the current one. */
export const IMPORT_REQUEST: Request = {
  method: "POST",
  path: "/api/config/import",
  file: { name: "config.json", as: "form" },
};
