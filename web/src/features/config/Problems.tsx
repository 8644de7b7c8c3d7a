import type { IssueReport } from "@/features/config/useIssues";
import { t } from "@/i18n";
import { Icon } from "@/shared/icons";

/** Everything that is wrong or doubtful; a press leads to the field. */
export function Problems({ report, onJump }: { report: IssueReport; onJump: (path: string) => void }) {
  return (
    <section aria-labelledby="problems" className="card p-4">
      <h2 id="problems" className="mb-2 flex items-center gap-2 font-semibold" aria-live="polite">
        {report.all.length === 0 && <Icon name="done" className="text-good" />}
        {problemsLabel(report.numErrors, report.all.length - report.numErrors)}
      </h2>
      {report.all.length === 0 && <p className="text-dim">{t("config.noProblems")}</p>}
      <ul className="grid gap-1">
        {report.all.map((issue) => (
          <li key={issue.path + issue.code + issue.message}>
            <button
              type="button"
              onClick={() => onJump(issue.path)}
              className="-mx-2 flex w-[calc(100%+1rem)] cursor-pointer gap-3 rounded-small p-2 text-left hover:bg-hover"
            >
              <Icon
                name={issue.severity === "error" ? "error" : "warning"}
                size={18}
                className={issue.severity === "error" ? "mt-0.5 text-bad" : "mt-0.5 text-warn"}
              />
              <span className="min-w-0">
                <span className="block break-words max-sm:line-clamp-3">{issue.message}</span>
                <code className="text-faint">{issue.path}</code>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function problemsLabel(numErrors: number, numWarnings: number): string {
  const errors = numErrors > 0 ? [t("config.errors", { count: numErrors })] : [];
  const warnings = numWarnings > 0 ? [t("config.warnings", { count: numWarnings })] : [];
  return [...errors, ...warnings].join(", ") || t("config.ready");
}
