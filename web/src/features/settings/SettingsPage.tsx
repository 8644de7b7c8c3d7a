import { SecretsCard } from "@/features/settings/SecretsCard";
import { PageHeader } from "@/shared/PageHeader";
import { Segmented } from "@/shared/Segmented";
import { setTheme, useTheme } from "@/shared/theme";
import { text } from "@/text";

const THEMES = ["system", "dark", "light"] as const;

export function SettingsPage() {
  const theme = useTheme();
  return (
    <>
      <PageHeader title={text.settings.title} />
      <div className="grid max-w-200 gap-6">
        <section aria-labelledby="look" className="card grid gap-3 p-4">
          <h2 id="look" className="text-heading">
            {text.settings.look}
          </h2>
          <p className="text-dim">{text.settings.lookHint}</p>
          <div>
            <Segmented
              label={text.settings.theme}
              value={theme}
              options={THEMES.map((value) => ({ value, label: text.settings.themes[value] }))}
              onChange={setTheme}
            />
          </div>
        </section>
        <SecretsCard />
        <section aria-labelledby="access" className="card grid gap-3 p-4">
          <h2 id="access" className="text-heading">
            {text.settings.access}
          </h2>
          <p className="text-dim">{text.settings.accessHint}</p>
          <dl className="grid gap-3">
            {text.settings.variables.map(([name, meaning]) => (
              <div key={name}>
                <dt>
                  <code>{name}</code>
                </dt>
                <dd className="text-dim">{meaning}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </>
  );
}
