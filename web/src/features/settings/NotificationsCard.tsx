import { t } from "@/i18n";
import { Switch } from "@/shared/fields";
import { canNotify, useWantsNotifications, wantNotifications } from "@/shared/notifications";

/** Whether the browser speaks up when a run ends while nobody looks. */
export function NotificationsCard() {
  const isOn = useWantsNotifications();
  return (
    <section aria-labelledby="notifications" className="card grid gap-3 p-4">
      <h2 id="notifications" className="text-heading">
        {t("settings.notifications")}
      </h2>
      <p className="text-dim">{canNotify ? t("settings.notificationsHint") : t("settings.noNotifications")}</p>
      {canNotify && (
        <Switch label={t("settings.notify")} isSelected={isOn} onChange={(next) => void wantNotifications(next)} />
      )}
      <p className="help">{t("settings.notifyElsewhere")}</p>
    </section>
  );
}
