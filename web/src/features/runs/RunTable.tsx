import { Link } from "@tanstack/react-router";
import { type Run, type Sample, sampleImage } from "@/api/client";
import { COLUMNS, chosenColumns, type Label, type SortKey } from "@/features/runs/columns";
import type { RunGroup } from "@/features/runs/groups";
import { RunMenu } from "@/features/runs/RunMenu";
import { RunProgress } from "@/features/runs/RunProgress";
import { Tags } from "@/features/runs/Tags";
import { t } from "@/i18n";
import { Checkbox } from "@/shared/Checkbox";
import { facts, formatAgo, formatDateTime, formatEnum } from "@/shared/format";
import { Icon } from "@/shared/icons";
import { StatusPill } from "@/shared/status";
import { useStore } from "@/shared/store";
import { Thumbnail } from "@/shared/Thumbnail";
import { useNow } from "@/shared/useNow";

export type Order = { sort: SortKey; ascending: boolean };

export type RunsProps = {
  groups: RunGroup[];
  newest: ReadonlyMap<string, Sample>;
  selected: ReadonlySet<string>;
  onSelect: (ids: string[], isSelected: boolean) => void;
};

const AGO_EVERY_MS = 30_000;

/** Runs in rows, each with the columns that somebody wants, ordered by one of them. */
export function RunTable({
  groups,
  newest,
  selected,
  onSelect,
  order,
  onOrder,
}: RunsProps & { order: Order; onOrder: (sort: SortKey) => void }) {
  const chosen = useStore(chosenColumns);
  const columns = COLUMNS.filter((column) => chosen.includes(column.id));
  const ids = groups.flatMap(({ runs }) => runs.map((run) => run.id));
  const areAll = ids.length > 0 && ids.every((id) => selected.has(id));
  const heads = { order, onOrder };
  return (
    <table className="card table run-table">
      <caption className="sr-only">{t("runs.title")}</caption>
      <thead>
        <tr>
          <th className="w-10">
            <Checkbox
              label={t("runs.selectAll")}
              isLabelHidden
              isSelected={areAll}
              onChange={(isSelected) => onSelect(ids, isSelected)}
            />
          </th>
          <Head label="runs.name" sort="name" {...heads} />
          <th scope="col" className="w-56">
            {t("runs.columns.state")}
          </th>
          {columns.map((column) => (
            <Head key={column.id} {...column} {...heads} isNumber />
          ))}
          <Head label="runs.columns.created" sort="created" {...heads} isNumber />
          <th className="w-13" aria-label={t("runs.columns.actions")} />
        </tr>
      </thead>
      {groups.map(({ title, runs }) => (
        <tbody key={title}>
          {title && (
            <tr className="run-group">
              <th scope="rowgroup" colSpan={columns.length + 5}>
                {t("runs.group", { title, count: runs.length })}
              </th>
            </tr>
          )}
          {runs.map((run) => (
            <Row
              key={run.id}
              run={run}
              columns={columns}
              thumbnail={newest.get(run.id)}
              isSelected={selected.has(run.id)}
              onSelect={(isSelected) => onSelect([run.id], isSelected)}
            />
          ))}
        </tbody>
      ))}
    </table>
  );
}

type HeadProps = {
  label: Label;
  sort?: SortKey;
  isNumber?: boolean;
  order: Order;
  onOrder: (sort: SortKey) => void;
};

function Head({ label, sort, isNumber = false, order, onOrder }: HeadProps) {
  const isOrdered = sort !== undefined && order.sort === sort;
  const direction = order.ascending ? "ascending" : "descending";
  return (
    <th scope="col" className={isNumber ? "text-right" : ""} aria-sort={isOrdered ? direction : undefined}>
      {sort === undefined ? (
        t(label)
      ) : (
        <button type="button" className="run-sort" onClick={() => onOrder(sort)}>
          {t(label)}
          {isOrdered && <Icon name={order.ascending ? "up" : "down"} size={14} />}
        </button>
      )}
    </th>
  );
}

type RowProps = {
  run: Run;
  columns: typeof COLUMNS;
  thumbnail: Sample | undefined;
  isSelected: boolean;
  onSelect: (isSelected: boolean) => void;
};

function Row({ run, columns, thumbnail, isSelected, onSelect }: RowProps) {
  const now = useNow(AGO_EVERY_MS);
  return (
    <tr className="run-line" data-selected={isSelected || undefined}>
      <td>
        <Checkbox
          label={t("runs.select", { name: run.name })}
          isLabelHidden
          isSelected={isSelected}
          onChange={onSelect}
        />
      </td>
      <th scope="row">
        <div className="flex items-center gap-3">
          <RunThumbnail sample={thumbnail} />
          <div className="min-w-0">
            <Link to="/runs/$runId" params={{ runId: run.id }} className="run-link">
              {run.name}
            </Link>
            <p className="truncate font-normal text-dim">
              {facts(formatEnum(run.model_type), formatEnum(run.training_method))}
            </p>
            <Tags tags={run.tags} />
          </div>
        </div>
      </th>
      <td>
        <div className="grid justify-items-start gap-0.5">
          <StatusPill status={run.status} />
          <RunProgress run={run} />
        </div>
      </td>
      {columns.map((column) => (
        <td key={column.id} className={column.id === "note" ? "max-w-60 text-small" : "whitespace-nowrap text-right"}>
          {column.show(run)}
        </td>
      ))}
      <td className="whitespace-nowrap text-right text-dim text-small">
        <time dateTime={run.created} title={formatDateTime(run.created)}>
          {formatAgo(run.created, now)}
        </time>
      </td>
      <td>
        <RunMenu run={run} />
      </td>
    </tr>
  );
}

export function RunThumbnail({ sample }: { sample: Sample | undefined }) {
  return (
    <div className="grid size-12 flex-none place-items-center overflow-hidden rounded-control bg-sunken text-faint">
      {sample ? <Thumbnail src={sampleImage(sample.id, 256)} /> : <Icon name="pictures" />}
    </div>
  );
}
