import { Link } from "@tanstack/react-router";
import { t } from "@/i18n";
import { PartError } from "@/shared/lazy";

export function NotFound() {
  return (
    <div className="grid justify-items-start gap-4">
      <h1 className="text-title">{t("notFound.title")}</h1>
      <p className="text-dim">{t("notFound.hint")}</p>
      <Link to="/" className="button">
        {t("notFound.home")}
      </Link>
    </div>
  );
}

/** A view that broke says so; the rest of the page stays usable. */
export function RouteError({ error, reset }: { error: unknown; reset: () => void }) {
  return <PartError error={error} onRetry={reset} />;
}
