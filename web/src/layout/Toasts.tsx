import { t } from "@/i18n";
import { Button, IconButton } from "@/shared/Button";
import { Icon } from "@/shared/icons";
import { dismiss, useToasts } from "@/shared/toasts";

const LOOK = {
  done: { icon: "done", className: "text-good" },
  error: { icon: "error", className: "text-bad" },
  info: { icon: "info", className: "text-accent" },
} as const;

export function Toasts() {
  const toasts = useToasts();
  return (
    <section
      aria-label={t("common.notices")}
      aria-live="polite"
      className="notices fixed bottom-4 z-60 grid gap-2 max-sm:bottom-20"
    >
      {toasts.map((toast) => (
        <div key={toast.id} role={toast.kind === "error" ? "alert" : undefined} className="toast">
          <Icon name={LOOK[toast.kind].icon} className={`mt-1 ${LOOK[toast.kind].className}`} />
          <p className="grow py-1 break-words">{toast.text}</p>
          {toast.action && (
            <Button
              isSmall
              onPress={() => {
                toast.action?.onPress();
                dismiss(toast.id);
              }}
            >
              {toast.action.label}
            </Button>
          )}
          <IconButton icon="close" label={t("common.dismiss")} isSmall onPress={() => dismiss(toast.id)} />
        </div>
      ))}
    </section>
  );
}
