import { client } from "@/api/client";
import { t } from "@/i18n";

export const DEMO_CONFIG = "demo_lora";

/** What the demo buttons do: the built-in configuration as a run of its own. */
export function demoRequest() {
  return {
    method: "POST",
    path: "/api/runs",
    body: { config_path: DEMO_CONFIG, name: t("runs.demoName"), kind: "train" },
  } as const;
}

export function startDemo() {
  return client.POST("/api/runs", { body: demoRequest().body });
}
