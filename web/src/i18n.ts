/**
 * Every text of the page, by its key in the catalogues of `locales/`.
 *
 * English is part of the page and stands in for what another catalogue lacks; others are loaded when they are chosen.
 * `t` may be called anywhere while something is drawn, never when a module is loaded: the language may change.
 */
import { type Messages as Compiled, setupI18n } from "@lingui/core";
import english from "@/locales/en.json?messages";
import type { Key, Needs } from "@/locales/keys";
import { Store } from "@/shared/store";

export type { Key } from "@/locales/keys";

/** Catalogues besides the English one, each called by its own name in the settings. */
const OTHERS = { de: () => import("@/locales/de.json?messages") };
export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;

const STORED = "language";
const i18n = setupI18n({ locale: "en", messages: { en: english } });

/** The language that is shown; whoever draws texts is drawn again when it changes. */
export const language = new Store<Language>("en");

/** The message of `key` in the language that is shown, with what it has to be given. */
export function t<K extends Key>(key: K, ...values: Needs[K] extends null ? [] : [Needs[K]]): string {
  return i18n._(key, values[0] ?? undefined);
}

/** The same for a key that is made of what a server says; null where there is no such message. */
export function maybeT(key: string, values?: Record<string, unknown>): string | null {
  return key in i18n.messages ? i18n._(key, values) : null;
}

/** What numbers and dates are written by: the browser's own form of the language, if it has one. */
export function formatLocale(): string {
  const own = navigator.languages.find((tag) => tag.split("-")[0] === language.get());
  return own ?? language.get();
}

function isLanguage(tag: string | null): tag is Language {
  return tag !== null && tag in LANGUAGES;
}

/** What somebody chose in this browser; null follows the browser. */
export function chosenLanguage(): Language | null {
  const stored = localStorage.getItem(STORED);
  return isLanguage(stored) ? stored : null;
}

function wantedLanguage(): Language {
  return chosenLanguage() ?? navigator.languages.map((tag) => tag.split("-")[0] ?? "").find(isLanguage) ?? "en";
}

export async function chooseLanguage(chosen: Language | null): Promise<void> {
  if (chosen) localStorage.setItem(STORED, chosen);
  else localStorage.removeItem(STORED);
  await showLanguage();
}

/** Load the catalogue of the wanted language and show it. */
export async function showLanguage(): Promise<void> {
  const wanted = wantedLanguage();
  const messages: Compiled = wanted === "en" ? english : { ...english, ...(await OTHERS[wanted]()).default };
  language.set(wanted);
  i18n.loadAndActivate({ locale: wanted, locales: formatLocale(), messages });
  document.documentElement.lang = wanted;
}
