/** The typed way to the server: every path, parameter and answer comes from openapi.json. */
import createFetchClient from "openapi-fetch";
import createQueryApi from "openapi-react-query";
import { ASKS_FOR_TOKEN, isLoggedIn } from "@/api/login";
import type { components, paths } from "@/api/schema";

export const client = createFetchClient<paths>({ baseUrl: window.location.origin });
client.use({
  onResponse: ({ response }) => {
    if (response.status === ASKS_FOR_TOKEN) isLoggedIn.set(false);
  },
});
export const api = createQueryApi(client);

type Schemas = components["schemas"];
export type Run = Schemas["RunView"];
export type CurrentWork = Schemas["CurrentWork"];
export type Queue = Schemas["QueueView"];
export type Sample = Schemas["SampleView"];
export type MetricPoint = Schemas["MetricPoint"];

/** How long a trainer has to answer a stop before it is ended by force. */
export const STOP_TIMEOUT_S = 60;
export const STOP_WITHOUT_SAVING = { save: false, timeout_s: STOP_TIMEOUT_S } as const;

export function sampleImage(id: string, thumbnail?: number): string {
  return `/api/samples/${encodeURIComponent(id)}/image${thumbnail ? `?thumbnail=${thumbnail}` : ""}`;
}

/** Whether a sample is a video; its small views show a frame of it. */
export function isVideo(sample: Sample): boolean {
  return sample.path.endsWith(".mp4");
}

/** The address of a folder of a run as a zip; without one, of the whole run. */
export function runArchive(runId: string, folder?: string): string {
  return `/api/runs/${encodeURIComponent(runId)}/archive${folder ? `?folder=${encodeURIComponent(folder)}` : ""}`;
}

/** The address of a file of a run; a link to it may name the file that a browser stores. */
export function runFileInline(runId: string, path: string): string {
  return `/api/runs/${encodeURIComponent(runId)}/files/${path.split("/").map(encodeURIComponent).join("/")}`;
}

/** The address under which a browser stores a file of a run under its own name. */
export function runFile(runId: string, path: string): string {
  return `${runFileInline(runId, path)}?download=true`;
}
