import { render } from "preact";
import { App } from "./app.tsx";
import { restore } from "./signed_in.ts";
import { keepFocus } from "./ui/focus.ts";
import { guardCompositions } from "./ui/ime.ts";

/** Everything there is to see, in the place of what was shown first. */
export function begin(): void {
  guardCompositions();
  keepFocus();
  void restore();
  const place = document.getElementById("app");
  if (place) {
    place.replaceChildren();
    render(<App />, place);
  }
  void navigator.serviceWorker?.register("service_worker.js");
}
