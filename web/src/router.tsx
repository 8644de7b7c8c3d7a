/** All addresses of the page. What a view shows (tab, filter, compared runs) stands in its address and can be shared. */
import { QueryClient } from "@tanstack/react-query";
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { api } from "@/api/client";
import { NotFound, RouteError } from "@/layout/RouteStates";
import { Shell } from "@/layout/Shell";
import { RUN_TABS, type RunTab } from "@/runTabs";
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
    validateSearch: (search): { search?: string; status?: string } => ({
      search: textOf(search.search),
      status: textOf(search.status),
    }),
    component: lazyRouteComponent(() => import("@/features/runs/RunsPage"), "RunsPage"),
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
    component: lazyRouteComponent(() => import("@/features/run/RunPage"), "RunPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/configure",
    validateSearch: (search): { tab?: string; field?: string } => ({
      tab: textOf(search.tab),
      field: textOf(search.field),
    }),
    component: lazyRouteComponent(() => import("@/features/config/ConfigPage"), "ConfigPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/datasets",
    validateSearch: (search): { dataset?: string } => ({ dataset: textOf(search.dataset) }),
    component: lazyRouteComponent(() => import("@/features/datasets/DatasetsPage"), "DatasetsPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/samples",
    validateSearch: (search): { run?: string; prompt?: string; sample?: string } => ({
      run: textOf(search.run),
      prompt: textOf(search.prompt),
      sample: textOf(search.sample),
    }),
    component: lazyRouteComponent(() => import("@/features/samples/SamplesPage"), "SamplesPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/compare",
    validateSearch: (search): { runs?: string } => ({ runs: textOf(search.runs) }),
    component: lazyRouteComponent(() => import("@/features/compare/ComparePage"), "ComparePage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/system",
    component: lazyRouteComponent(() => import("@/features/system/SystemPage"), "SystemPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/settings",
    component: lazyRouteComponent(() => import("@/features/settings/SettingsPage"), "SettingsPage"),
  }),
] as const;

export const router = createRouter({
  routeTree: root.addChildren(routes),
  defaultPreload: "intent",
  defaultPendingComponent: Loading,
  defaultPendingMs: PENDING_MS,
  defaultPendingMinMs: 0,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
