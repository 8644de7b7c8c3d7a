import { useState } from "react";
import type { IssueReport } from "@/features/config/useIssues";
import { t } from "@/i18n";
import { Icon, type IconName } from "@/shared/icons";

type Props = { report: IssueReport; onJump: (path: string) => void };

/** Everything that is wrong or doubtful; a press leads to the field. */
export function Problems({ report, onJump }: Props) {
  return (
    <section aria-labelledby="problems" className="card p-4">
      <h2 id="problems" className="mb-2 flex items-center gap-2 font-semibold" aria-live="polite">
        {isFine(report) && <Icon name="done" className="text-good" />}
        {labelOf(report)}
      </h2>
      {isFine(report) && <p className="text-dim">{t("config.noProblems")}</p>}
      <ProblemList report={report} onJump={onJump} />
    </section>
  );
}

/** The same in one line, which is there from the first moment on and opens on demand: nothing beneath it moves. */
export function ProblemLine({ report, onJump }: Props) {
  const [isOpen, setIsOpen] = useState(false);
  const [first] = report.all;
  return (
    <section aria-label={labelOf(report)} className="card mb-2">
      <button
        type="button"
        aria-expanded={isOpen}
        disabled={!first}
        onClick={() => setIsOpen(!isOpen)}
        className="flex min-h-(--control) w-full items-center gap-2 px-3 text-left not-disabled:cursor-pointer"
      >
        <Icon name={markOf(report)} size={18} className={toneOf(report)} />
        <span className="whitespace-nowrap font-semibold">{labelOf(report)}</span>
        <span className="min-w-0 grow truncate text-dim">{!isOpen && first?.message}</span>
        {first && <Icon name={isOpen ? "up" : "down"} size={16} />}
      </button>
      {isOpen && first && (
        <div className="border-line border-t px-4 py-2">
          <ProblemList report={report} onJump={onJump} />
        </div>
      )}
    </section>
  );
}

/** Each with its field, errors first. */
export function ProblemList({ report, onJump }: Props) {
  return (
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
  );
}

function isFine({ isChecked, all }: IssueReport): boolean {
  return isChecked && all.length === 0;
}

function markOf(report: IssueReport): IconName {
  if (!report.isChecked) return "clock";
  return report.numErrors > 0 ? "error" : report.all.length > 0 ? "warning" : "done";
}

function toneOf(report: IssueReport): string {
  if (!report.isChecked) return "text-faint";
  return report.numErrors > 0 ? "text-bad" : report.all.length > 0 ? "text-warn" : "text-good";
}

function labelOf({ isChecked, numErrors, all }: IssueReport): string {
  if (!isChecked) return t("config.checking");
  const numWarnings = all.length - numErrors;
  const errors = numErrors > 0 ? [t("config.errors", { count: numErrors })] : [];
  const warnings = numWarnings > 0 ? [t("config.warnings", { count: numWarnings })] : [];
  return [...errors, ...warnings].join(", ") || t("config.ready");
}
