import { Link } from "@tanstack/react-router";
import { PartError } from "@/shared/lazy";
import { text } from "@/text";

export function NotFound() {
  return (
    <div className="grid justify-items-start gap-4">
      <h1 className="text-title">{text.notFound.title}</h1>
      <p className="text-dim">{text.notFound.hint}</p>
      <Link to="/" className="button">
        {text.notFound.home}
      </Link>
    </div>
  );
}

/** A view that broke says so; the rest of the page stays usable. */
export function RouteError({ error, reset }: { error: unknown; reset: () => void }) {
  return <PartError error={error} onRetry={reset} />;
}
