/** All addresses of the page. What a view shows (tab, filter, compared runs) stands in its address and can be shared. */
import { QueryClient } from "@tanstack/react-query";
import { createRootRoute, createRoute, createRouter } from "@tanstack/react-router";
import { api } from "@/api/client";
import { askedRuns } from "@/features/runs/asked";
import { NotFound, RouteError } from "@/layout/RouteStates";
import { Shell } from "@/layout/Shell";
import { RUN_TABS, type RunTab } from "@/runTabs";
import { lazyView } from "@/shared/lazy";
import { Loading } from "@/shared/views";

/** What is loaded sooner than this changes the view without a placeholder between. */
const PENDING_MS = 150;

/** The stream says when something changed; asking again on every focus would only make noise. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY,
      refetchOnWindowFocus: false,
      // What the server refuses it refuses again; only what did not reach it is worth a second try.
      retry: (count, error) => error instanceof TypeError && count < 1,
    },
  },
});

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: RouteError });

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value ? value : undefined;
}

const routes = [
  createRoute({
    getParentRoute: () => root,
    path: "/",
    validateSearch: askedRuns,
    component: lazyView(() => import("@/features/runs/RunsPage")),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/runs/$runId",
    validateSearch: (search): { tab?: RunTab; sample?: string } => ({
      tab: RUN_TABS.find((tab) => tab === search.tab),
      sample: textOf(search.sample),
    }),
    // Asked for while the view's code is still on its way.
    loader: ({ params }) => {
      const path = { run_id: params.runId };
      void queries.prefetchQuery(api.queryOptions("get", "/api/runs/{run_id}", { params: { path } }));
    },
    component: lazyView(() => import("@/features/run/RunPage")),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/train",
    component: lazyView(() => import("@/features/train/TrainPage")),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/configure",
    validateSearch: (search): { tab?: string; field?: string } => ({
      tab: textOf(search.tab),
      field: textOf(search.field),
    }),
    component: lazyView(() => import("@/features/config/ConfigPage")),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/datasets",
    validateSearch: (search): { dataset?: string } => ({ dataset: textOf(search.dataset) }),
    component: lazyView(() => import("@/features/datasets/DatasetsPage")),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/samples",
    validateSearch: (search): { run?: string; prompt?: string; sample?: string } => ({
      run: textOf(search.run),
      prompt: textOf(search.prompt),
      sample: textOf(search.sample),
    }),
    component: lazyView(() => import("@/features/samples/SamplesPage")),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/compare",
    validateSearch: (search): { runs?: string } => ({ runs: textOf(search.runs) }),
    component: lazyView(() => import("@/features/compare/ComparePage")),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/system",
    component: lazyView(() => import("@/features/system/SystemPage")),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/settings",
    component: lazyView(() => import("@/features/settings/SettingsPage")),
  }),
] as const;

export const router = createRouter({
  routeTree: root.addChildren(routes),
  defaultPreload: "intent",
  defaultPendingComponent: Loading,
  // Within the shell, which goes on listening to the server whatever a view does.
  defaultErrorComponent: RouteError,
  defaultPendingMs: PENDING_MS,
  defaultPendingMinMs: 0,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
