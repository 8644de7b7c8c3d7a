import { AccessCard } from "@/features/settings/AccessCard";
import { NotificationsCard } from "@/features/settings/NotificationsCard";
import { SecretsCard } from "@/features/settings/SecretsCard";
import { TensorBoardCard } from "@/features/settings/TensorBoardCard";
import { t } from "@/i18n";
import { PageHeader } from "@/shared/PageHeader";
import { Segmented } from "@/shared/Segmented";
import { setTheme, useTheme } from "@/shared/theme";

const THEMES = ["system", "dark", "light"] as const;

export default function SettingsPage() {
  const theme = useTheme();
  return (
    <>
      <PageHeader title={t("settings.title")} />
      <div className="grid max-w-200 gap-6">
        <section aria-labelledby="look" className="card grid gap-3 p-4">
          <h2 id="look" className="text-heading">
            {t("settings.look")}
          </h2>
          <p className="text-dim">{t("settings.lookHint")}</p>
          <div>
            <Segmented
              label={t("settings.theme")}
              value={theme}
              options={THEMES.map((value) => ({ value, label: t(`settings.themes.${value}`) }))}
              onChange={setTheme}
            />
          </div>
        </section>
        <NotificationsCard />
        <SecretsCard />
        <TensorBoardCard />
        <AccessCard />
      </div>
    </>
  );
}
