/** Answers of the server that are at hand, changed by what is known of them since. */
import type { QueryClient, QueryFilters } from "@tanstack/react-query";

/**
 * Change the answers that `filters` find. One that has to be read again stays as it is: a changed answer counts as
 * fresh, and what made it stale would never be seen.
 */
export function changeAnswers<Data>(queries: QueryClient, filters: QueryFilters, change: (data: Data) => Data): void {
  const { predicate = () => true } = filters;
  queries.setQueriesData<Data>(
    { ...filters, predicate: (query) => !query.state.isInvalidated && predicate(query) },
    (data) => data && change(data),
  );
}
