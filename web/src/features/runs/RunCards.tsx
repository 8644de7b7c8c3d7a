import { Link } from "@tanstack/react-router";
import type { Run } from "@/api/client";
import { RunMenu } from "@/features/runs/RunMenu";
import { RunProgress } from "@/features/runs/RunProgress";
import { type RunsProps, RunThumbnail } from "@/features/runs/RunTable";
import { Tags } from "@/features/runs/Tags";
import { t } from "@/i18n";
import { Checkbox } from "@/shared/Checkbox";
import { facts, formatEnum, formatValue } from "@/shared/format";
import { StatusPill } from "@/shared/status";

/** The same as the table, where there is no room for columns. */
export function RunCards({ groups, newest, selected, onSelect }: RunsProps) {
  return groups.map(({ title, runs }) => (
    <section key={title} className="mb-4">
      {title && <h2 className="mb-2 font-medium text-dim">{t("runs.group", { title, count: runs.length })}</h2>}
      <ul className="card divide-y divide-line overflow-hidden" aria-label={title || t("runs.title")}>
        {runs.map((run) => (
          <li key={run.id} className="run-row">
            <RunThumbnail sample={newest.get(run.id)} />
            <div className="min-w-0">
              <Link to="/runs/$runId" params={{ runId: run.id }} className="run-link">
                {run.name}
              </Link>
              <p className="truncate text-dim text-small">{shortFacts(run)}</p>
              <Tags tags={run.tags} />
            </div>
            <div className="relative z-10 flex items-center gap-1">
              <Checkbox
                label={t("runs.select", { name: run.name })}
                isLabelHidden
                isSelected={selected.has(run.id)}
                onChange={(isSelected) => onSelect([run.id], isSelected)}
              />
              <RunMenu run={run} />
            </div>
            <div className="run-row-status">
              <StatusPill status={run.status} />
            </div>
            <div className="run-row-progress">
              <RunProgress run={run} />
            </div>
          </li>
        ))}
      </ul>
    </section>
  ));
}

function shortFacts(run: Run): string {
  const loss = run.loss == null ? [] : [t("runs.lossOf", { loss: formatValue(run.loss) })];
  return facts(formatEnum(run.model_type), formatEnum(run.training_method), ...loss);
}
