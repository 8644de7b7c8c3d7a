/** The answers of the guided start, kept in the tab: through another view and a reload. */
import { type Answers, NO_ANSWERS } from "@/features/train/plan";
import { Store } from "@/shared/store";

const STORED = "guided-start";

function stored(): Answers {
  try {
    return { ...NO_ANSWERS, ...JSON.parse(sessionStorage.getItem(STORED) ?? "{}") };
  } catch {
    return NO_ANSWERS; // Storage may be forbidden.
  }
}

export const answers = new Store<Answers>(stored());

export function answer(change: Partial<Answers>): void {
  const next = { ...answers.get(), ...change };
  answers.set(next);
  sessionStorage.setItem(STORED, JSON.stringify(next));
}
