/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { render } from "preact";
import { App } from "./app.tsx";
import { restore } from "./signed_in.ts";
import { keepFocus } from "./ui/focus.ts";
import { guardCompositions } from "./ui/ime.ts";
import { applyTheme } from "./settings.ts";

applyTheme();
guardCompositions();
keepFocus();
void restore();
const place = document.getElementById("app");
if (place) {
  place.replaceChildren();
  render(<App />, place);
}
void navigator.serviceWorker?.register("service_worker.js");
