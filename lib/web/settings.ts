import { Observable } from "./ui/observable.ts";
import { readPersonal, setOwner, writePersonal } from "./personal.ts";

/** What everybody at this browser shares. */
interface BrowserSettings {
  theme: "system" | "light" | "dark";
  sound: boolean;
}

/** What belongs to who is signed in. Keys of models never leave this browser. */
interface PersonalSettings {
  /** The model that a new chat begins with. */
  model?: string;
  direct?: { baseUrl: string; apiKey: string; models: string[] };
}

export type Settings = BrowserSettings & PersonalSettings;

const KEY = "settings";

function parsed(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function read(): Settings {
  const { theme = "system", sound = true } = parsed(localStorage.getItem(KEY));
  const { model, direct } = parsed(readPersonal(localStorage, KEY));
  return {
    theme,
    sound,
    ...(model !== undefined && { model }),
    ...(direct ? { direct } : {}),
  } as Settings;
}

export const settings = new Observable<Settings>(read());

/** Somebody has signed in, or (`undefined`) out: their settings count from now on. */
export function useSettingsOf(personId: string | undefined): void {
  setOwner(personId);
  settings.value = read();
}

export function change(changes: Partial<Settings>): void {
  settings.value = { ...settings.value, ...changes };
  const { theme, sound, ...personal } = settings.value;
  localStorage.setItem(KEY, JSON.stringify({ theme, sound }));
  writePersonal(localStorage, KEY, JSON.stringify(personal));
  applyTheme();
}

/** The person's own model connection goes, with its key. */
export function forgetDirect(): void {
  const { direct: _, ...rest } = settings.value;
  settings.value = rest;
  change({});
}

export function applyTheme(): void {
  const { theme } = settings.value;
  document.documentElement.dataset.theme = theme;
}
