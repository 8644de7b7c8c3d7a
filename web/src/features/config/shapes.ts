/**
 * The shapes of learning rate schedules and of noise level distributions, to be drawn in the editor.
 *
 * x runs from 0 to 1: over the steps after the warm-up, or from no noise to pure noise. Densities need no scale. Null
 * means that the shape cannot be told from the configuration alone.
 */

type Schedule = { scheduler: string; minimum: number; cycles: number };
type Distribution = { distribution: string; weight: number; bias: number };

/** REX (Chen et al. 2021, "REX: Revisiting Budgeted Training"), with the usual d = 0.9. */
const REX_D = 0.9;

function rawFactor(scheduler: string, x: number, cycles: number): number | null {
  switch (scheduler) {
    case "CONSTANT":
      return 1;
    case "LINEAR":
      return 1 - x;
    case "COSINE":
      return 0.5 * (1 + Math.cos(Math.PI * x));
    case "COSINE_WITH_RESTARTS":
      return 0.5 * (1 + Math.cos(2 * Math.PI * x * cycles));
    case "COSINE_WITH_HARD_RESTARTS":
      return 0.5 * (1 + Math.cos(Math.PI * ((x * cycles) % 1)));
    case "REX":
      return (1 - x) / (1 - REX_D + REX_D * (1 - x));
    default:
      return null;
  }
}

export function scheduleFactor({ scheduler, minimum, cycles }: Schedule, x: number): number | null {
  const factor = rawFactor(scheduler, x, cycles || 1);
  return factor === null ? null : minimum + (1 - minimum) * factor;
}

export function timestepDensity({ distribution, weight, bias }: Distribution, x: number): number | null {
  switch (distribution) {
    case "UNIFORM":
      return 1;
    case "LOGIT_NORMAL": {
      const logit = Math.log(x / (1 - x));
      return Math.exp(-(((logit - bias) / (weight + 1)) ** 2) / 2) / (x * (1 - x));
    }
    case "BETA":
      return weight > 0 && bias > 0 ? x ** (weight - 1) * (1 - x) ** (bias - 1) : null;
    case "COS_MAP":
      // Esser et al. 2024, "Scaling Rectified Flow Transformers", section 3.1.
      return 2 / (Math.PI - 2 * Math.PI * x + 2 * Math.PI * x * x);
    default:
      return null;
  }
}
