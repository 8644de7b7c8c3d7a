import { api } from "@/api/client";
import { configTitle, sortConfigs } from "@/features/config/configTitle";
import { answer, answers as kept } from "@/features/train/answers";
import { LastLook } from "@/features/train/LastLook";
import { PicturesStep } from "@/features/train/PicturesStep";
import { entryOf, planned, SETTINGS, type Setting } from "@/features/train/plan";
import { Step } from "@/features/train/Step";
import { t } from "@/i18n";
import { TextField } from "@/shared/fields";
import { PageHeader } from "@/shared/PageHeader";
import { SelectField } from "@/shared/SelectField";
import { useStore } from "@/shared/store";
import { Loading } from "@/shared/views";

/** What runs everywhere, so that nobody begins with a model that does not fit. */
const FIRST_PRESET = "sd15_lora";
const NAMES = Object.keys(SETTINGS) as Setting[];

/** From pictures to a training in five questions, on one page; what comes of them is an ordinary configuration. */
export default function TrainPage() {
  const answers = useStore(kept);
  const { data: listed } = api.useQuery("get", "/api/config/list");
  const { data: datasets } = api.useQuery("get", "/api/datasets", {}, { refetchOnMount: "always" });
  const presets = sortConfigs(listed?.details ?? []).filter((one) => one.training_method === "LORA");
  const name = answers.preset || FIRST_PRESET;
  const { data: preset } = api.useQuery("get", "/api/config/load/{config_name}", {
    params: { path: { config_name: name } },
  });
  const dataset = datasets?.datasets.find((one) => one.name === answers.dataset);
  const numPictures = (dataset?.num_pictures ?? 0) + (dataset?.num_videos ?? 0);
  if (!listed || !datasets || !preset) return <Loading rows={5} />;
  const config = planned(answers, preset, numPictures);
  const hasCaptions = dataset !== undefined && numPictures > 0 && dataset.num_captioned === numPictures;
  return (
    <div className="mx-auto grid max-w-200 gap-4">
      <PageHeader title={t("train.title")} lead={t("train.lead")} />
      <PicturesStep dataset={answers.dataset} onChange={(chosen) => answer({ dataset: chosen })} />
      <Step
        number={2}
        title={t("train.captions")}
        hint={hasCaptions ? t("train.captionsThere") : t("train.captionsHint")}
        isDone={hasCaptions || answers.trigger.trim() !== ""}
      >
        <TextField
          label={t("train.trigger")}
          help={t("train.triggerHint")}
          placeholder={t("train.triggerExample")}
          value={answers.trigger}
          onChange={(trigger) => answer({ trigger })}
          className="max-w-96"
        />
      </Step>
      <Step number={3} title={t("train.model")} hint={t("train.modelHint")} isDone>
        <div className="grid items-start gap-4 sm:grid-cols-2">
          <SelectField
            label={t("train.preset")}
            value={name}
            options={presets.map((one) => ({ value: one.name, label: configTitle(one) }))}
            onChange={(chosen) => answer({ preset: chosen, baseModel: "" })}
          />
          <TextField
            label={t("train.baseModel")}
            placeholder={String(preset.base_model_name ?? "")}
            value={answers.baseModel}
            onChange={(baseModel) => answer({ baseModel })}
            help={t("train.baseModelHint")}
          />
        </div>
      </Step>
      <Step number={4} title={t("train.settings")} hint={t("train.settingsHint")} isDone>
        <div className="grid grid-cols-2 gap-4 sm:grid-cols-3">
          {NAMES.map((setting) => (
            <TextField
              key={setting}
              label={t(`train.fields.${setting}`)}
              placeholder={entryOf(setting, { ...answers, [setting]: "" }, preset, numPictures)}
              value={answers[setting]}
              inputMode="decimal"
              onChange={(value) => answer({ [setting]: value })}
            />
          ))}
        </div>
        <TextField
          label={t("train.prompt")}
          placeholder={answers.trigger.trim() || t("train.promptExample")}
          help={t("train.promptHint")}
          value={answers.prompt}
          onChange={(prompt) => answer({ prompt })}
        />
      </Step>
      <LastLook answers={answers} config={config} numPictures={numPictures} />
    </div>
  );
}
