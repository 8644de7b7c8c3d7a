/** Where a picture stands among those that the arrow keys walk, and what lies beside it. */
import type { Sample } from "@/api/client";
import type { Wall } from "@/shared/sampleGrid";

/** One row a prompt; the arrow keys go sideways in it, and up and down to the next. */
export type Rows = readonly (readonly Sample[])[];

export type Place = {
  sample: Sample;
  row: readonly Sample[];
  column: number;
  rows: Rows;
  rowIndex: number;
};

/** The rows of a wall, oldest step first, and its custom samples as the last one. */
export function rowsOf(wall: Wall): Sample[][] {
  const oldestFirst = [...wall.steps].reverse();
  const rows = wall.rows.map((row) => oldestFirst.flatMap((step) => row.byStep.get(step) ?? []));
  if (wall.custom.length > 0) rows.push([...wall.custom].reverse());
  return rows;
}

export function placeOf(rows: Rows, sampleId: string): Place | null {
  for (const [rowIndex, row] of rows.entries()) {
    const column = row.findIndex((sample) => sample.id === sampleId);
    const sample = row[column];
    if (sample) return { sample, row, column, rows, rowIndex };
  }
  return null;
}

/** The picture `dx` places to the right and `dy` prompts further down, or null at the edge. */
export function step(place: Place, dx: number, dy: number): string | null {
  const row = place.rows[place.rowIndex + dy];
  if (!row) return null;
  const column = dy === 0 ? place.column + dx : Math.min(place.column, row.length - 1);
  return row[column]?.id ?? null;
}
