/** The states that every view has besides its full one: loading, empty, error. */

import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { Icon, type IconName } from "@/shared/icons";

export function Skeleton({ className = "h-6" }: { className?: string }) {
  return <div aria-hidden="true" className={`skeleton ${className}`} />;
}

export function Loading({ rows = 4 }: { rows?: number }) {
  return (
    <div role="status" aria-label={t("common.loading")} className="grid gap-2">
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} className="h-16" />
      ))}
    </div>
  );
}

type EmptyProps = { icon: IconName; title: string; children?: React.ReactNode };

export function Empty({ icon, title, children }: EmptyProps) {
  return (
    <div className="grid justify-items-center gap-2 rounded-card border border-line border-dashed px-6 py-12 text-center text-dim">
      <Icon name={icon} size={28} className="text-faint" />
      <p className="font-medium text-ink">{title}</p>
      {children}
    </div>
  );
}

/** What the server said, in its own words. */
export function errorText(error: unknown): string {
  if (error && typeof error === "object" && "detail" in error && typeof error.detail === "string") return error.detail;
  if (error instanceof TypeError) return t("common.unreachable");
  return error instanceof Error ? error.message : t("common.unknownError");
}

export function ErrorView({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <div role="alert" className="flex flex-wrap items-center gap-4 rounded-card border border-line bg-bad-soft p-4">
      <Icon name="error" className="text-bad" />
      <p className="min-w-48 grow">{errorText(error)}</p>
      {onRetry && <Button onPress={onRetry}>{t("common.retry")}</Button>}
    </div>
  );
}

type QueryLike<Data> = { data: Data | undefined; error: unknown; isPending: boolean; refetch: () => unknown };

/** Loading, error or the data of a query; data that is there stays visible while a refetch fails. */
export function QueryView<Data>({
  query,
  rows,
  children,
}: {
  query: QueryLike<Data>;
  rows?: number;
  children: (data: Data) => React.ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  if (query.error) return <ErrorView error={query.error} onRetry={() => query.refetch()} />;
  return <Loading rows={rows} />;
}
