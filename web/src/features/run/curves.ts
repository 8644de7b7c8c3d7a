/** The curves of one run: read once, then extended by what the stream brings. */

export type Curve = { readonly steps: number[]; readonly values: (number | null)[] };
export type LivePoint = { global_step: number; time: string; values: Record<string, number | null> };
export type StoredPoint = { step: number; value: number | null };

const SMOOTHING_LIMIT = 0.999;

export class Curves {
  readonly byName = new Map<string, Curve>();

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
    next.add(points);
    return next;
  }

  /** A resumed run goes over its steps again: what was measured beyond a point that comes now is forgotten. */
  add(points: readonly LivePoint[]): void {
    for (const point of points) {
      for (const [name, value] of Object.entries(point.values)) this.push(name, point.global_step, value);
    }
  }

  private push(name: string, step: number, value: number | null): void {
    const known = this.byName.get(name) ?? { steps: [], values: [] };
    const last = known.steps.at(-1) ?? -1;
    const keep = step > last ? known.steps.length : known.steps.findIndex((one) => one >= step);
    this.byName.set(name, {
      steps: [...known.steps.slice(0, keep), step],
      values: [...known.values.slice(0, keep), value],
    });
  }
}

/** Exponential moving average, corrected for its start; gaps stay gaps. `weight` 0 changes nothing, 0.99 smooths a lot. */
export function smooth(values: readonly (number | null)[], weight: number): (number | null)[] {
  const w = Math.min(Math.max(weight, 0), SMOOTHING_LIMIT);
  let average = 0;
  let correction = 1;
  return values.map((value) => {
    if (value === null) return null;
    average = w * average + (1 - w) * value;
    correction *= w;
    return average / (1 - correction);
  });
}

export function lastValue(curve: Curve | undefined): number | null {
  return curve?.values.findLast((value) => value !== null) ?? null;
}
