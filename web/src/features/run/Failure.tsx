import { Link } from "@tanstack/react-router";
import { api, type Run } from "@/api/client";
import { Icon } from "@/shared/icons";
import { text } from "@/text";

const TAIL_BYTES = 4096;
const TAIL_LINES = 14;

/** Why a run ended badly: one sentence, the log's last lines, what to do. */
export function Failure({ run }: { run: Run }) {
  const { data: log } = api.useQuery("get", "/api/runs/{run_id}/log", {
    params: { path: { run_id: run.id }, query: { offset: -TAIL_BYTES, limit: TAIL_BYTES } },
  });
  const lines = log?.text
    .replaceAll(/[^\n]*\r(?!\n)/g, "")
    .trimEnd()
    .split("\n")
    .slice(-TAIL_LINES)
    .join("\n");
  return (
    <section role="alert" className="grid gap-3 rounded-card bg-bad-soft p-4">
      <div className="flex items-start gap-3">
        <Icon name="error" className="mt-0.5 text-bad" />
        <div className="grid min-w-0 gap-1">
          <p className="break-words font-medium">{run.error}</p>
          <p className="text-dim">{run.status === "interrupted" ? text.failure.interrupted : text.failure.failed}</p>
        </div>
      </div>
      {lines && (
        <details>
          <summary className="cursor-pointer text-small">{text.failure.lastLines}</summary>
          <pre className="code mt-2 max-h-72 overflow-auto">{lines}</pre>
          <Link to="." search={{ tab: "console" }} className="mt-2 inline-block text-accent text-small">
            {text.failure.wholeLog}
          </Link>
        </details>
      )}
    </section>
  );
}
