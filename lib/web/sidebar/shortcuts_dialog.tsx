import { Modal } from "../ui/modal.tsx";
import { useValue } from "../ui/observable.ts";
import { EVERYWHERE, type Shortcut, shortcuts } from "../ui/shortcuts.ts";

const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

/** The keys of everywhere and of the page one is at. */
export function ShortcutsDialog({ onClose }: { onClose(): void }) {
  const groups = new Map<string, Shortcut[]>();
  for (const line of useValue(shortcuts)) {
    const where = line.where ?? EVERYWHERE;
    groups.set(where, [...groups.get(where) ?? [], line]);
  }
  return (
    <Modal label="Keyboard shortcuts" class="shortcuts" onClose={onClose}>
      <h2>Keyboard shortcuts</h2>
      {[...groups].map(([where, lines]) => (
        <section key={where} aria-label={where}>
          <h3>{where}</h3>
          <dl>
            {lines.map(({ keys, what }) => (
              <div key={keys + what}>
                <dt>{what}</dt>
                <dd>{keysOf(keys).map((key) => <kbd key={key}>{key}</kbd>)}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
      <div class="buttons">
        <button type="button" class="quiet" onClick={onClose}>Close</button>
      </div>
    </Modal>
  );
}

const keysOf = (keys: string): string[] =>
  keys.split("+").map((key) => (isMac && key === "Ctrl" ? "⌘" : key));
