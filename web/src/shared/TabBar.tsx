import { useEffect, useRef } from "react";

type Props = { label: string; current: string | undefined; className?: string; children: React.ReactNode };

/** Links to the parts of a view; on a phone they scroll, and the current one is brought into sight. */
export function TabBar({ label, current, className = "", children }: Props) {
  const bar = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another tab is the reason to scroll.
  useEffect(() => {
    const tab = bar.current?.querySelector<HTMLElement>("[aria-current=page]");
    if (bar.current && tab) bar.current.scrollLeft = tab.offsetLeft - (bar.current.clientWidth - tab.offsetWidth) / 2;
  }, [current]);
  return (
    <nav ref={bar} aria-label={label} className={`tabs ${className}`}>
      {children}
    </nav>
  );
}
