import { Switch } from "@/shared/fields";
import { canNotify, useWantsNotifications, wantNotifications } from "@/shared/notifications";
import { text } from "@/text";

/** Whether the browser speaks up when a run ends while nobody looks. */
export function NotificationsCard() {
  const isOn = useWantsNotifications();
  return (
    <section aria-labelledby="notifications" className="card grid gap-3 p-4">
      <h2 id="notifications" className="text-heading">
        {text.settings.notifications}
      </h2>
      <p className="text-dim">{canNotify ? text.settings.notificationsHint : text.settings.noNotifications}</p>
      {canNotify && (
        <Switch label={text.settings.notify} isSelected={isOn} onChange={(next) => void wantNotifications(next)} />
      )}
      <p className="help">{text.settings.notifyElsewhere}</p>
    </section>
  );
}
