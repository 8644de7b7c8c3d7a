/** The views of a run; the chosen one stands in the address. */
export const RUN_TABS = ["overview", "samples", "console", "configuration", "files", "pictures"] as const;
export type RunTab = (typeof RUN_TABS)[number];
