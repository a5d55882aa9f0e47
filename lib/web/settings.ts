import { Observable } from "./observable.ts";

/** What this browser remembers of the person's wishes. Keys of models never leave it. */
export interface Settings {
  theme: "system" | "light" | "dark";
  sound: boolean;
  /** The model that a new chat begins with. */
  model?: string;
  direct?: { baseUrl: string; apiKey: string; models: string[] };
}

const KEY = "settings";

function read(): Settings {
  try {
    return { theme: "system", sound: true, ...JSON.parse(localStorage.getItem(KEY) ?? "{}") };
  } catch {
    return { theme: "system", sound: true };
  }
}

export const settings = new Observable<Settings>(read());

export function change(changes: Partial<Settings>): void {
  settings.value = { ...settings.value, ...changes };
  localStorage.setItem(KEY, JSON.stringify(settings.value));
  applyTheme();
}

export function applyTheme(): void {
  const { theme } = settings.value;
  document.documentElement.dataset.theme = theme;
}
