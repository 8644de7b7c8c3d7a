import { Icon } from "@/shared/icons";

type Props = { number: number; title: string; hint?: string; isDone: boolean; children: React.ReactNode };

/** One question of the guided start; a mark says whether it is answered. */
export function Step({ number, title, hint, isDone, children }: Props) {
  const id = `step-${number}`;
  return (
    <section aria-labelledby={id} className="card grid gap-4 p-6 max-sm:p-4">
      <div className="flex gap-3">
        <span
          aria-hidden="true"
          className={`grid size-7 flex-none place-items-center rounded-full font-semibold ${isDone ? "bg-good-soft text-good" : "bg-sunken text-dim"}`}
        >
          {isDone ? <Icon name="check" size={16} /> : number}
        </span>
        <div className="min-w-0">
          <h2 id={id} className="text-heading leading-7!">
            {title}
          </h2>
          {hint && <p className="text-dim">{hint}</p>}
        </div>
      </div>
      {children}
    </section>
  );
}
