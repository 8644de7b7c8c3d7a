/** The curves of one run: read once, then extended by what the stream brings. */

export type Curve = { readonly steps: number[]; readonly values: (number | null)[] };
export type LivePoint = { global_step: number; time: string; values: Record<string, number | null> };
export type StoredPoint = { step: number; value: number | null };

export class Curves {
  readonly byName = new Map<string, Curve>();
  /** When the steps were done that came with the stream, in seconds since 1970. */
  clock: Curve = { steps: [], values: [] };

  static from(metrics: Record<string, readonly StoredPoint[]>): Curves {
    const curves = new Curves();
    for (const [name, points] of Object.entries(metrics)) {
      curves.byName.set(name, { steps: points.map((point) => point.step), values: points.map((point) => point.value) });
    }
    return curves;
  }

  /** These curves and some more points, as a new object that shares what did not change. */
  with(points: readonly LivePoint[]): Curves {
    const next = new Curves();
    for (const [name, curve] of this.byName) next.byName.set(name, curve);
    next.clock = this.clock;
    next.add(points);
    return next;
  }

  /** A resumed run goes over its steps again: what was measured beyond a point that comes now is forgotten. */
  add(points: readonly LivePoint[]): void {
    for (const { global_step, time, values } of points) {
      for (const [name, value] of Object.entries(values))
        this.byName.set(name, put(this.byName.get(name), global_step, value));
      this.clock = put(this.clock, global_step, Date.parse(time) / 1000);
    }
  }
}

function put(known: Curve = { steps: [], values: [] }, step: number, value: number | null): Curve {
  const last = known.steps.at(-1) ?? -1;
  const keep = step > last ? known.steps.length : known.steps.findIndex((one) => one >= step);
  return { steps: [...known.steps.slice(0, keep), step], values: [...known.values.slice(0, keep), value] };
}

/**
 * A smoothed curve of the server, carried on over what `raw` has gained since by the same rule: an exponential moving
 * average, corrected for its start; gaps stay gaps.
 */
export function carryOn(smoothed: Curve, raw: Curve, weight: number): Curve {
  const end = raw.steps.at(-1) ?? -1;
  // A resumed run goes over its steps again: what lies beyond its last one holds no more.
  const kept = smoothed.steps.filter((step) => step <= end).length;
  const steps = smoothed.steps.slice(0, kept);
  const values = smoothed.values.slice(0, kept);
  const last = steps.at(-1) ?? -1;
  let uncounted = weight ** values.filter((value) => value !== null).length;
  let average = (lastValue({ steps, values }) ?? 0) * (1 - uncounted);
  for (let index = raw.steps.findIndex((step) => step > last); index >= 0 && index < raw.steps.length; index++) {
    const value = raw.values[index] ?? null;
    if (value !== null) {
      average = weight * average + (1 - weight) * value;
      uncounted *= weight;
    }
    steps.push(raw.steps[index] ?? end);
    values.push(value === null ? null : average / (1 - uncounted));
  }
  return { steps, values };
}

export function lastValue(curve: Curve | undefined): number | null {
  return curve?.values.findLast((value) => value !== null) ?? null;
}
