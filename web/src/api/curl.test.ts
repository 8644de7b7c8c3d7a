import { expect, it } from "vitest";
import { curlLine } from "@/api/curl";

it("quotes what a shell would take apart", () => {
  const request = { method: "POST", path: "/api/runs", body: { name: "it's" } } as const;
  expect(curlLine(request, "http://localhost:8000")).toBe(
    `curl -X POST http://localhost:8000/api/runs -H 'Content-Type: application/json' -d '{"name":"it'\\''s"}'`,
  );
});

it("says no more than needed", () => {
  expect(curlLine({ method: "GET", path: "/api/runs" }, "http://h")).toBe("curl http://h/api/runs");
});
