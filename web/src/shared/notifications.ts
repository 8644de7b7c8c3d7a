/** Notices of the system, for a page that nobody looks at: wanted in this browser, and allowed by it. */
import { useSyncExternalStore } from "react";

const KEY = "notifications";
const listeners = new Set<() => void>();

/** Browsers offer them only to pages from this machine or over HTTPS. */
export const canNotify = "Notification" in window && window.isSecureContext;

function isWanted(): boolean {
  return canNotify && Notification.permission === "granted" && localStorage.getItem(KEY) === "on";
}

export async function wantNotifications(isOn: boolean): Promise<void> {
  if (isOn) await Notification.requestPermission();
  localStorage.setItem(KEY, isOn ? "on" : "off");
  for (const listener of listeners) listener();
}

export function useWantsNotifications(): boolean {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, isWanted);
}

export function notifySystem(title: string, body: string, tag: string): void {
  if (isWanted() && document.visibilityState === "hidden") new Notification(title, { body, tag, icon: "/icon.svg" });
}
