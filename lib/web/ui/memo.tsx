import { Component, type ComponentType, createElement } from "preact";

/** A component that is drawn again only when `isSame` says that its properties have changed. */
export function memo<P extends object>(
  inner: ComponentType<P>,
  isSame: (before: P, now: P) => boolean,
): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return !isSame(this.props, next);
    }
    override render() {
      return createElement(inner, this.props);
    }
  };
}
