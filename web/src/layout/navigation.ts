import type { IconName } from "@/shared/icons";
import { text } from "@/text";

export type Place = {
  to: "/" | "/configure" | "/datasets" | "/samples" | "/compare" | "/system" | "/settings";
  icon: IconName;
  label: string;
};

export const PLACES: Place[] = [
  { to: "/", icon: "runs", label: text.nav.runs },
  { to: "/configure", icon: "tune", label: text.nav.configure },
  { to: "/datasets", icon: "folder", label: text.nav.datasets },
  { to: "/samples", icon: "pictures", label: text.nav.samples },
  { to: "/compare", icon: "compare", label: text.nav.compare },
  { to: "/system", icon: "system", label: text.nav.system },
  { to: "/settings", icon: "settings", label: text.nav.settings },
];

/** On a phone four places stand in the bar; the others are one press away. */
export const PLACES_IN_BAR = 4;

export function isHere(place: Place, path: string): boolean {
  return place.to === "/" ? path === "/" || path.startsWith("/runs") : path.startsWith(place.to);
}
