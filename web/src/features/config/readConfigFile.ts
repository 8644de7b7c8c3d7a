import { text } from "@/text";

/** The JSON object in a file that a person chose; whether it is a configuration, the server says. */
export async function readConfigFile(file: File): Promise<Record<string, unknown>> {
  const parsed: unknown = await file
    .text()
    .then(JSON.parse)
    .catch(() => null);
  if (!parsed || typeof parsed !== "object" || Array.isArray(parsed)) throw new Error(text.first.noConfig(file.name));
  return parsed as Record<string, unknown>;
}
