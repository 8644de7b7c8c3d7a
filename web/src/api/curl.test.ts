import { expect, it } from "vitest";
import { curlLine } from "@/api/curl";

it("quotes what a shell would take apart", () => {
  const request = { method: "POST", path: "/api/runs", body: { name: "it's" } } as const;
  expect(curlLine(request, "http://localhost:8000")).toBe(
    `curl -X POST http://localhost:8000/api/runs -H 'Content-Type: application/json' -d '{"name":"it'\\''s"}'`,
  );
});

it("sends files as curl does", () => {
  const path = "/api/datasets/cats/files/1.png";
  expect(curlLine({ method: "PUT", path, file: { name: "1.png", as: "body" } }, "http://h")).toBe(
    `curl -T 1.png http://h${path}`,
  );
  expect(curlLine({ method: "POST", path: "/i", file: { name: "c.json", as: "form" } }, "http://h")).toBe(
    "curl -F file=@c.json http://h/i",
  );
});

it("names the variable that holds the token", () => {
  expect(curlLine({ method: "GET", path: "/api/runs" }, "http://h", true)).toBe(
    'curl http://h/api/runs -H "Authorization: Bearer $TOKEN"',
  );
});

it("says no more than needed", () => {
  expect(curlLine({ method: "GET", path: "/api/runs" }, "http://h")).toBe("curl http://h/api/runs");
});
