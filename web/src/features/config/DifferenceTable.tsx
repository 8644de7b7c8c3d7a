import { api } from "@/api/client";
import { catalogPath } from "@/features/config/paths";
import { showJson } from "@/shared/json";
import { Scroller } from "@/shared/Scroller";

type Row = { path: string; label?: string; values: unknown[]; notes?: string[] };

/** Settings that differ: by their names, one column for each side. */
export function DifferenceTable({ caption, columns, rows }: { caption: string; columns: string[]; rows: Row[] }) {
  const { data: catalog } = api.useQuery("get", "/api/config/fields");
  const labels = new Map(catalog?.fields.map((field) => [field.path, field.label]));
  const optionsOf = new Map(catalog?.fields.map((field) => [field.path, field.options]));
  const show = (path: string, value: unknown) =>
    optionsOf.get(catalogPath(path))?.find((option) => option.value === value)?.label ?? showJson(value);
  return (
    <Scroller label={caption} className="card">
      <table className="table">
        <caption className="sr-only">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{caption}</th>
            {columns.map((column, index) => (
              <th key={index} scope="col" className="min-w-32 max-sm:min-w-24">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.path}>
              <th scope="row" className="min-w-32">
                <span className="block text-body text-ink">{row.label ?? labelOf(row.path, labels)}</span>
                <code className="wrap-anywhere font-normal">{row.path}</code>
                {row.notes?.map((note) => (
                  <span key={note} className="block font-normal text-dim">
                    {note}
                  </span>
                ))}
              </th>
              {row.values.map((value, index) => (
                <td key={index} className="wrap-anywhere max-w-96 font-medium max-sm:text-small">
                  {show(row.path, value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}

/** samples.1.prompt → "Samples 2: Prompt" */
function labelOf(path: string, labels: ReadonlyMap<string, string>): string {
  const own = labels.get(catalogPath(path)) ?? path;
  const [, list = "", index] = path.match(/^([^.]+)\.(\d+)/) ?? [];
  if (index === undefined) return own;
  const entry = `${labels.get(list) ?? list} ${Number(index) + 1}`;
  return path === `${list}.${index}` ? entry : `${entry}: ${own}`;
}
