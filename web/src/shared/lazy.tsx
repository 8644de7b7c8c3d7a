/** Parts of the page that are loaded when they are needed: one that does not come, or breaks, costs itself alone. */
import { Component, type ComponentType, lazy, type ReactNode, Suspense, useState } from "react";
import { t } from "@/i18n";
import { notify } from "@/shared/toasts";
import { ErrorView, errorText, Loading } from "@/shared/views";

type Load<Props> = () => Promise<{ default: ComponentType<Props> }>;

/** How browsers say that a module did not come. */
const NOT_LOADED = /dynamically imported module|importing a module script failed/i;

/** Why a part of the page is not there: its code did not come, or it broke. */
export function partProblem(error: unknown): string {
  if (error instanceof Error && NOT_LOADED.test(error.message)) return t("parts.notLoaded");
  return t("parts.broken", { problem: error instanceof Error ? error.message : errorText(error) });
}

/** In the place of a part that is not there. */
export function PartError({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  return <ErrorView error={{ detail: partProblem(error) }} onRetry={onRetry} />;
}

type BoundaryProps = {
  children: ReactNode;
  onError?: (error: unknown) => void;
  instead: (error: unknown) => ReactNode;
};

class Boundary extends Component<BoundaryProps, { failure?: { error: unknown } }> {
  override state: { failure?: { error: unknown } } = {};

  static getDerivedStateFromError(error: unknown) {
    return { failure: { error } };
  }

  override componentDidCatch(error: unknown) {
    this.props.onError?.(error);
  }

  override render() {
    return this.state.failure ? this.props.instead(this.state.failure.error) : this.props.children;
  }
}

type Code<Props> = { preload: () => Promise<void>; component: () => ComponentType<Props> };

/** Loads once, and without a pause from then on; after a failure the next one who asks tries again. */
function codeOf<Props>(load: Load<Props>): Code<Props> {
  let loaded: ComponentType<Props> | undefined;
  const loadAndKeep: Load<Props> = async () => {
    const module = await load();
    loaded = module.default;
    return module;
  };
  return {
    // What does not come ahead is asked for again when it is shown.
    preload: () =>
      loadAndKeep().then(
        () => undefined,
        () => undefined,
      ),
    component: () => loaded ?? (lazy(loadAndKeep) as unknown as ComponentType<Props>),
  };
}

/** A view or a part of one; where it is missing stands why, and a button to try again. */
export function lazyView<Props extends object = object>(load: Load<Props>, fallback: ReactNode = <Loading />) {
  const code = codeOf(load);
  const view = (props: Props) => <Part code={code} fallback={fallback} props={props} />;
  return Object.assign(view, { preload: code.preload });
}

type PartProps<Props> = { code: Code<Props>; fallback: ReactNode; props: Props };

function Part<Props extends object>({ code, fallback, props }: PartProps<Props>) {
  const [{ Shown, attempt }, setTry] = useState(() => ({ Shown: code.component(), attempt: 0 }));
  const retry = () => setTry({ Shown: code.component(), attempt: attempt + 1 });
  return (
    <Boundary key={attempt} instead={(error) => <PartError error={error} onRetry={retry} />}>
      <Suspense fallback={fallback}>
        <Shown {...props} />
      </Suspense>
    </Boundary>
  );
}

type Closing = { onClose: () => void; fallback?: ReactNode };

/** A dialog or a menu; one that is missing closes again, with a notice that says why. */
export function lazyDialog<Props extends object>(load: Load<Props>) {
  const code = codeOf(load);
  const dialog = (props: Props & Closing) => <Closable code={code} props={props} />;
  return Object.assign(dialog, { preload: code.preload });
}

function Closable<Props extends object>({ code, props }: { code: Code<Props>; props: Props & Closing }) {
  const [Shown] = useState(() => code.component());
  const close = (error: unknown) => {
    notify("error", partProblem(error));
    props.onClose();
  };
  return (
    <Boundary onError={close} instead={() => props.fallback}>
      <Suspense fallback={props.fallback}>
        <Shown {...props} />
      </Suspense>
    </Boundary>
  );
}
