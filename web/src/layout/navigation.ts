import type { IconName } from "@/shared/icons";

export type Place = {
  to: "/" | "/configure" | "/datasets" | "/samples" | "/compare" | "/system" | "/settings";
  icon: IconName;
  name: "runs" | "configure" | "datasets" | "samples" | "compare" | "system" | "settings";
};

export const PLACES: Place[] = [
  { to: "/", icon: "runs", name: "runs" },
  { to: "/configure", icon: "tune", name: "configure" },
  { to: "/datasets", icon: "folder", name: "datasets" },
  { to: "/samples", icon: "pictures", name: "samples" },
  { to: "/compare", icon: "compare", name: "compare" },
  { to: "/system", icon: "system", name: "system" },
  { to: "/settings", icon: "settings", name: "settings" },
];

/** On a phone four places stand in the bar; the others are one press away. */
export const PLACES_IN_BAR = 4;

export function isHere(place: Place, path: string): boolean {
  return place.to === "/" ? path === "/" || path.startsWith("/runs") : path.startsWith(place.to);
}
