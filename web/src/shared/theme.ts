/** The chosen theme: remembered in this browser, applied to <html>. public/theme.js does the same before first paint. */
import { useSyncExternalStore } from "react";

export type Theme = "system" | "dark" | "light";

const listeners = new Set<() => void>();

function stored(): Theme {
  try {
    const theme = localStorage.getItem("theme");
    return theme === "dark" || theme === "light" ? theme : "system";
  } catch {
    return "system";
  }
}

let current = stored();

function announce() {
  for (const listener of listeners) listener();
}

export function setTheme(theme: Theme): void {
  current = theme;
  if (theme === "system") {
    delete document.documentElement.dataset.theme;
    localStorage.removeItem("theme");
  } else {
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("theme", theme);
  }
  announce();
}

const darkSystem = window.matchMedia("(prefers-color-scheme: dark)");
darkSystem.addEventListener("change", announce);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, () => current);
}

/** Whether the page is dark now: charts are drawn on a canvas and need to know. */
export function useIsDark(): boolean {
  return useSyncExternalStore(subscribe, () => current === "dark" || (current === "system" && darkSystem.matches));
}
