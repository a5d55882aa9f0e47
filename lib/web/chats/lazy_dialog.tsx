import { type ComponentChild, type ComponentType, createElement } from "preact";
import { useState } from "preact/hooks";
import { messageOf } from "../../client/errors.ts";
import { toast } from "../ui/toasts.tsx";
import { assetFailed } from "../version.ts";

/** What every dialog that is loaded gets beside what it is about. */
export interface DialogProps {
  onClose(): void;
}

/** What has been loaded: it opens at once, so that the next key is for the dialog. */
const loaded = new WeakMap<object, unknown>();

/** A dialog whose code is loaded when it is first opened: where it stands, and what opens it. */
export function useLazyDialog<P extends object>(
  load: () => Promise<ComponentType<P & DialogProps>>,
): [dialog: ComponentChild, open: (props: P) => void] {
  type Dialog = ComponentType<P & DialogProps>;
  const [shown, setShown] = useState<{ dialog: Dialog; props: P }>();
  const open = (props: P) => {
    const known = loaded.get(load) as Dialog | undefined;
    if (known) return setShown({ dialog: known, props });
    load().then((dialog) => {
      loaded.set(load, dialog);
      setShown({ dialog, props });
    }, (thrown) => {
      assetFailed();
      toast(messageOf(thrown), "error");
    });
  };
  const onClose = () => setShown(undefined);
  return [shown ? createElement(shown.dialog, { ...shown.props, onClose }) : null, open];
}
