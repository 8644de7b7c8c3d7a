import type { ConfigField } from "@/features/config/catalog";
import { type Config, getAt } from "@/features/config/paths";
import { t } from "@/i18n";
import { facts } from "@/shared/format";

type Props = { found: ConfigField[]; config: Config; onJump: (path: string) => void };

/** Settings of concepts, samples and embeddings that a search has found; a press opens the first card that has it. */
export function FoundInLists({ found, config, onJump }: Props) {
  return (
    <section aria-label={t("config.foundInLists")} className="pt-6">
      <h2 className="text-heading">{t("config.foundInLists")}</h2>
      <ul className="mt-2 grid gap-1">
        {found.map((field) => {
          const [list = ""] = field.path.split("[]");
          const count = (getAt(config, list) as unknown[] | null)?.length ?? 0;
          return (
            <li key={field.path}>
              <button
                type="button"
                onClick={() => onJump(field.path.replace("[]", ".0"))}
                className="-mx-2 block w-[calc(100%+1rem)] cursor-pointer rounded-small p-2 text-left hover:bg-hover"
              >
                <span className="font-medium">{facts(t(`config.lists.${list as "samples"}.title`), field.label)}</span>
                <span className="help block">
                  {field.help} {count === 0 && t(`config.lists.${list as "samples"}.none`)}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
