/** Which GPUs of the machine a configuration trains on, in the words of `train_device`, `multi_gpu` and `device_indexes`. */
import type { Changes, Config } from "@/features/config/paths";

function numbersIn(indexes: string): number[] {
  const numbers = indexes.split(",").map((part) => part.trim());
  return [...new Set(numbers.filter((part) => /^\d+$/.test(part)).map(Number))];
}

/** The numbers of the GPUs it names; none where any will do. */
export function devicesOf(config: Config, known: number[]): number[] {
  const [kind, number = ""] = String(config.train_device).trim().toLowerCase().split(":");
  if (kind !== "cuda") return [];
  if (config.multi_gpu !== true) return known.filter((one) => String(one) === number);
  const named = known.filter((one) => numbersIn(String(config.device_indexes)).includes(one));
  return named.length ? named : known;
}

/** What to set so that these GPUs train; none lets the queue choose one. */
export function changesFor(chosen: number[]): Changes {
  const [first] = chosen;
  if (chosen.length > 1) return { train_device: "cuda", multi_gpu: true, device_indexes: chosen.join(",") };
  return { train_device: first === undefined ? "cuda" : `cuda:${first}`, multi_gpu: false };
}

/** What one update of several devices comes to. */
export function updateOf(config: Config, devices: number) {
  const batch = Number(config.batch_size);
  const own = Number(config.gradient_accumulation_steps);
  const keeps = config.keep_effective_batch === true;
  const batches = keeps ? own : own * devices;
  return { devices, batch, batches, each: batches / devices, pictures: batch * batches, divides: own % devices === 0 };
}
