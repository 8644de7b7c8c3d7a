type Props = { label: string; value: number; max: number; className?: string; isQuiet?: boolean };

/** How far something is; a bar of unknown length stands at zero. */
export function ProgressBar({ label, value, max, className = "", isQuiet = false }: Props) {
  const share = max > 0 ? Math.min(1, value / max) : 0;
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={max}
      aria-valuenow={value}
      className={`progress ${className}`}
    >
      <div className={isQuiet ? "bg-strong!" : ""} style={{ transform: `translateX(${(share - 1) * 100}%)` }} />
    </div>
  );
}
