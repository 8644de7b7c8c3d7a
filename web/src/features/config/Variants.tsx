import { api } from "@/api/client";
import { chooseFields } from "@/features/config/catalog";
import { type Config, getAt } from "@/features/config/paths";
import { choicesOf, type Trial, trialProblem } from "@/features/config/trials";
import { t } from "@/i18n";
import { Button, IconButton } from "@/shared/Button";
import { TextField } from "@/shared/fields";
import { facts } from "@/shared/format";
import { SelectField } from "@/shared/SelectField";

type Props = { config: Config; trials: readonly Trial[]; onChange: (trials: Trial[]) => void };

/** Several runs at once: which settings to try, and with which values. */
export function Variants({ config, trials, onChange }: Props) {
  const { data: catalogue } = api.useQuery("get", "/api/config/fields");
  const scalars = new Set(["boolean", "integer", "number", "choice", "string"]);
  const fields = chooseFields(catalogue?.fields ?? [], {
    config,
    level: "common",
    search: "",
    problems: new Set(),
  }).filter((field) => scalars.has(field.type));
  const free = fields.filter((field) => trials.every((trial) => trial.path !== field.path));
  const change = (index: number, trial: Trial) => onChange(trials.toSpliced(index, 1, trial));
  const trialOf = (path: string): Trial => ({ path, values: String(getAt(config, path) ?? "") });
  return (
    <div className="grid gap-4">
      {trials.map((trial, index) => {
        const field = fields.find((one) => one.path === trial.path);
        const options = field ? choicesOf(field) : [];
        return (
          <fieldset key={trial.path} className="grid gap-3">
            <div className="flex items-end gap-2">
              <SelectField
                className="grow"
                label={t("variants.setting")}
                value={trial.path}
                options={fields
                  .filter((one) => one === field || free.includes(one))
                  .map((one) => ({ value: one.path, label: facts(one.group, one.label) }))}
                onChange={(path) => change(index, trialOf(path))}
              />
              <IconButton
                icon="close"
                label={t("variants.remove", { setting: field?.label ?? trial.path })}
                onPress={() => onChange(trials.toSpliced(index, 1))}
              />
            </div>
            <TextField
              label={t("variants.values")}
              help={options.length ? t("variants.oneOf", { options: options.join(", ") }) : undefined}
              problem={trialProblem(trial, field)}
              rows={3}
              value={trial.values}
              onChange={(values) => change(index, { ...trial, values })}
            />
          </fieldset>
        );
      })}
      <Button
        icon="plus"
        className="justify-self-start"
        isDisabled={free.length === 0}
        onPress={() => onChange([...trials, trialOf(free[0]?.path ?? "")])}
      >
        {trials.length ? t("variants.another") : t("variants.first")}
      </Button>
    </div>
  );
}
