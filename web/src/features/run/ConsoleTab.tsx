import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Run } from "@/api/client";
import { type Line, lineText } from "@/features/run/terminal";
import { useLog } from "@/features/run/useLog";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { Switch, TextField } from "@/shared/fields";
import { formatBytes } from "@/shared/format";
import { ErrorView, Loading } from "@/shared/views";

const LINE_PX = 20;
const NEAR_END_PX = 40;

export default function ConsoleTab({ run }: { run: Run }) {
  const log = useLog(run.id);
  const [search, setSearch] = useState("");
  const [isFollowing, setIsFollowing] = useState(true);
  const needle = search.trim().toLowerCase();
  const shown = useMemo(
    () => (needle ? log.lines.filter((line) => lineText(line).toLowerCase().includes(needle)) : log.lines),
    [log.lines, needle],
  );
  if (log.error && log.lines.length === 0) return <ErrorView error={log.error} onRetry={log.reload} />;
  if (log.isPending) return <Loading />;
  return (
    <section aria-label={t("run.tabs.console")} className="grid gap-3">
      <div className="flex flex-wrap items-center gap-4">
        <TextField
          label={t("console.search")}
          isLabelHidden
          placeholder={t("console.search")}
          value={search}
          onChange={setSearch}
          className="w-full sm:w-72"
        />
        {needle && <p className="text-dim text-small">{t("console.matches", { count: shown.length })}</p>}
        <span className="grow" />
        <Switch label={t("console.follow")} isSelected={isFollowing} onChange={setIsFollowing} />
        <a className="button" href={`/api/runs/${run.id}/files/trainer.log?download=true`} download>
          {t("console.download", { size: formatBytes(log.size) })}
        </a>
      </div>
      {log.hasEarlier && (
        <Button className="justify-self-start" isSmall onPress={log.loadEarlier}>
          {t("console.earlier")}
        </Button>
      )}
      <Lines lines={shown} isFollowing={isFollowing && !needle} onFollow={setIsFollowing} />
    </section>
  );
}

type LinesProps = { lines: readonly Line[]; isFollowing: boolean; onFollow: (isFollowing: boolean) => void };

function Lines({ lines, isFollowing, onFollow }: LinesProps) {
  const host = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => host.current,
    estimateSize: () => LINE_PX,
    overscan: 20,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines are the reason to scroll.
  useEffect(() => {
    const element = host.current;
    if (isFollowing && element) element.scrollTop = element.scrollHeight;
  }, [lines, isFollowing]);
  const onScroll = () => {
    const element = host.current;
    if (!element) return;
    const isNearEnd = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END_PX;
    if (isNearEnd !== isFollowing) onFollow(isNearEnd);
  };
  return (
    <div
      ref={host}
      onScroll={onScroll}
      className="console"
      role="log"
      aria-label={t("console.label")}
      aria-live="off"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard.
      tabIndex={0}
    >
      {lines.length === 0 && <p className="p-1 text-dim">{t("console.empty")}</p>}
      <div style={{ height: rows.getTotalSize(), position: "relative" }}>
        {rows.getVirtualItems().map((row) => (
          <div key={row.key} className="console-line" style={{ transform: `translateY(${row.start}px)` }}>
            {(lines[row.index] ?? []).map((span, index) => (
              <span
                key={index}
                data-color={span.color ?? undefined}
                className={span.isBold ? "font-semibold" : undefined}
              >
                {span.text}
              </span>
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}
