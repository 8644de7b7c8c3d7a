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
export function formatLocale(shown: Language = language.get()): string {
  return navigator.languages.find((tag) => tag.split("-")[0] === shown) ?? shown;
}

function isLanguage(tag: string | null): tag is Language {
  return tag !== null && Object.hasOwn(LANGUAGES, tag);
}

function stored(): Language | null {
  try {
    const tag = localStorage.getItem(STORED);
    return isLanguage(tag) ? tag : null;
  } catch {
    return null; // Storage may be forbidden; the browser's language is then shown.
  }
}

/** What somebody chose in this browser; null follows the browser. */
export const choice = new Store<Language | null>(stored());

/** The messages of what is chosen, or of the first language of the browser that the page has. */
async function load(chosen: Language | null): Promise<{ wanted: Language; messages: Compiled }> {
  const wanted = chosen ?? navigator.languages.map((tag) => tag.split("-")[0] ?? "").find(isLanguage) ?? "en";
  return { wanted, messages: wanted === "en" ? english : { ...english, ...(await OTHERS[wanted]()).default } };
}

function show({ wanted, messages }: Awaited<ReturnType<typeof load>>): void {
  i18n.loadAndActivate({ locale: wanted, locales: formatLocale(wanted), messages });
  document.documentElement.lang = wanted;
  language.set(wanted);
}

/** Show the chosen language, or without a choice the browser's; rejects where its catalogue does not come. */
export async function showLanguage(): Promise<void> {
  show(await load(choice.get()));
}

/** Show another language and remember it; a catalogue that does not come leaves everything as it was. */
export async function chooseLanguage(chosen: Language | null): Promise<void> {
  const loaded = await load(chosen);
  if (chosen) localStorage.setItem(STORED, chosen);
  else localStorage.removeItem(STORED);
  choice.set(chosen);
  show(loaded);
}
