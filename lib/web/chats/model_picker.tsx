import { useEffect, useRef, useState } from "preact/hooks";
import { type AppSession, choiceOf, type Model } from "../app_session.ts";
import { useValue } from "../ui/observable.ts";
import { Modal } from "../ui/modal.tsx";
import type { DialogProps } from "./lazy_dialog.tsx";

export interface ModelPickerProps {
  session: AppSession;
  title: string;
  /** The choice that is marked. */
  chosen: string | undefined;
  onPick: (model: Model) => void;
}

/** All models, the server's and one's own apart, and a field that finds among them. */
export function ModelPicker(props: ModelPickerProps & DialogProps) {
  const { session, title, chosen, onPick, onClose } = props;
  const models = useValue(session.models);
  const problem = useValue(session.modelProblem);
  const [wanted, setWanted] = useState("");
  const found = matching(models, wanted);
  const groups = [
    { name: "Server", models: found.filter(({ isDirect }) => !isDirect) },
    { name: "Mine", models: found.filter(({ isDirect }) => isDirect) },
  ].filter(({ models }) => models.length > 0);
  const inOrder = groups.flatMap(({ models }) => models);
  const [active, setActive] = useState(chosen);
  const at = Math.max(0, inOrder.findIndex((each) => choiceOf(each) === active));
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [at, wanted]);

  function pick(model: Model | undefined) {
    if (!model) return;
    onClose();
    onPick(model);
  }

  function onKeyDown(event: KeyboardEvent) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const next = inOrder[Math.min(inOrder.length - 1, Math.max(0, at + step))];
      if (next) setActive(choiceOf(next));
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      pick(inOrder[at]);
    }
  }

  return (
    <Modal label={title} class="picker" onClose={onClose}>
      <h2>{title}</h2>
      <input
        type="text"
        role="combobox"
        aria-label="Find a model"
        aria-expanded="true"
        aria-controls="picker-list"
        aria-autocomplete="list"
        {...(inOrder.length > 0 && { "aria-activedescendant": `picker-${at}` })}
        placeholder="Find a model"
        autocomplete="off"
        autofocus
        value={wanted}
        onInput={(event) => {
          setWanted(event.currentTarget.value);
          setActive(undefined);
        }}
        onKeyDown={onKeyDown}
      />
      <div id="picker-list" class="picker-list" role="listbox" aria-label="Models" ref={list}>
        {groups.map(({ name, models }) => (
          <div key={name} role="group" aria-label={name}>
            <p class="picker-group" aria-hidden="true">{name}</p>
            {models.map((model) => {
              const index = inOrder.indexOf(model);
              return (
                <div
                  key={choiceOf(model)}
                  id={`picker-${index}`}
                  role="option"
                  aria-selected={index === at}
                  class="picker-model"
                  onClick={() => pick(model)}
                >
                  <span dir="auto">{model.name}</span>
                  {choiceOf(model) === chosen && <span class="hint">chosen</span>}
                </div>
              );
            })}
          </div>
        ))}
      </div>
      <p class="hint" role="status">
        {found.length === 0 && (models.length === 0 ? "There is no model." : "No model matches.")}
        {problem}
      </p>
      <div class="buttons">
        <button type="button" class="quiet" onClick={onClose}>Cancel</button>
      </div>
    </Modal>
  );
}

/** Those whose name or id has each of the words. */
function matching(models: readonly Model[], wanted: string): Model[] {
  const words = wanted.toLowerCase().split(/\s+/).filter((word) => word !== "");
  return models.filter(({ id, name }) => {
    const said = `${name} ${id}`.toLowerCase();
    return words.every((word) => said.includes(word));
  });
}
