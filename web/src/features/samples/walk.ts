/** Where a picture stands in the wall, and what lies beside it. */
import type { Sample } from "@/api/client";
import type { Wall } from "@/shared/sampleGrid";

export type Place = {
  sample: Sample;
  /** The pictures of the same prompt, oldest step first. */
  row: Sample[];
  column: number;
  rows: Sample[][];
  rowIndex: number;
};

export function placeOf(wall: Wall, sampleId: string): Place | null {
  const oldestFirst = [...wall.steps].reverse();
  const rows = wall.rows.map((row) => oldestFirst.flatMap((step) => row.byStep.get(step) ?? []));
  if (wall.custom.length > 0) rows.push([...wall.custom].reverse());
  for (const [rowIndex, row] of rows.entries()) {
    const column = row.findIndex((sample) => sample.id === sampleId);
    const sample = row[column];
    if (sample) return { sample, row, column, rows, rowIndex };
  }
  return null;
}

/** The picture `dx` steps later and `dy` prompts further down, or null at the edge. */
export function step(place: Place, dx: number, dy: number): string | null {
  const row = place.rows[place.rowIndex + dy];
  if (!row) return null;
  const column = dy === 0 ? place.column + dx : Math.min(place.column, row.length - 1);
  return row[column]?.id ?? null;
}
