import { t } from "@/i18n";
import { Icon, type IconName } from "@/shared/icons";

const LOOK = {
  idle: { icon: "clock", className: "text-dim bg-sunken" },
  queued: { icon: "clock", className: "text-dim bg-sunken" },
  starting: { icon: "dot", className: "text-accent bg-accent-soft", isLive: true },
  running: { icon: "dot", className: "text-accent bg-accent-soft", isLive: true },
  stopping: { icon: "stopped", className: "text-warn bg-warn-soft", isLive: true },
  completed: { icon: "done", className: "text-good bg-good-soft" },
  stopped: { icon: "stopped", className: "text-dim bg-sunken" },
  failed: { icon: "error", className: "text-bad bg-bad-soft" },
  interrupted: { icon: "warning", className: "text-warn bg-warn-soft" },
} as const satisfies Record<string, { icon: IconName; className: string; isLive?: boolean }>;

export type RunStatus = keyof typeof LOOK;

export function isActive(status: RunStatus): boolean {
  return "isLive" in LOOK[status];
}

export function isEnded(status: RunStatus): boolean {
  return !isActive(status) && status !== "queued" && status !== "idle";
}

export function StatusPill({ status }: { status: RunStatus }) {
  const look = LOOK[status];
  return (
    <span className={`pill ${look.className}`}>
      <Icon name={look.icon} size={16} className={"isLive" in look ? "pulse" : ""} />
      {t(`status.${status}`)}
    </span>
  );
}
