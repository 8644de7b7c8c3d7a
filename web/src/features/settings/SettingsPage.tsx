import { AccessCard } from "@/features/settings/AccessCard";
import { NotificationsCard } from "@/features/settings/NotificationsCard";
import { SecretsCard } from "@/features/settings/SecretsCard";
import { TensorBoardCard } from "@/features/settings/TensorBoardCard";
import { choice, chooseLanguage, LANGUAGES, type Language, t } from "@/i18n";
import { PageHeader } from "@/shared/PageHeader";
import { Segmented } from "@/shared/Segmented";
import { useStore } from "@/shared/store";
import { setTheme, useTheme } from "@/shared/theme";
import { useAction } from "@/shared/useAction";

const THEMES = ["system", "dark", "light"] as const;
const CHOICES = Object.keys(LANGUAGES) as Language[];

export default function SettingsPage() {
  const theme = useTheme();
  const chosen = useStore(choice);
  const choose = useAction(async (value: Language | null) => ({ data: await chooseLanguage(value) }));
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
          <div>
            <Segmented
              label={t("settings.language")}
              value={chosen ?? "browser"}
              options={[
                { value: "browser", label: t("settings.asBrowser") },
                ...CHOICES.map((value) => ({ value, label: LANGUAGES[value] })),
              ]}
              onChange={(value) => choose.mutate(value === "browser" ? null : value)}
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
