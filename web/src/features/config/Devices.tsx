import { changesFor, devicesOf, updateOf } from "@/features/config/devices";
import type { Editor } from "@/features/config/editor";
import { t } from "@/i18n";
import { Switch } from "@/shared/fields";

type Props = { editor: Editor; gpus: { id: number; name: string }[] };

/** On which GPUs a run trains, where there is a choice. */
export function Devices({ editor, gpus }: Props) {
  const known = gpus.map((gpu) => gpu.id);
  const chosen = devicesOf(editor.config, known);
  const update = updateOf(editor.config, chosen.length);
  const keeps = editor.config.keep_effective_batch === true;
  const choose = (id: number, isChosen: boolean) => {
    const { train_device, ...along } = changesFor(
      known.filter((one) => (one === id ? isChosen : chosen.includes(one))),
    );
    editor.set("train_device", train_device, along);
  };
  return (
    <fieldset className="grid gap-2">
      <legend className="pb-1 font-medium">{t("devices.title")}</legend>
      {gpus.map((gpu) => (
        <Switch
          key={gpu.id}
          label={`${gpu.name} (cuda:${gpu.id})`}
          isSelected={chosen.includes(gpu.id)}
          onChange={(isChosen) => choose(gpu.id, isChosen)}
        />
      ))}
      {chosen.length === 0 && <p className="text-dim text-small">{t("devices.any")}</p>}
      {chosen.length > 1 && (
        <>
          <p className="text-dim text-small">
            {t("devices.update", {
              devices: update.devices,
              batch: update.batch,
              each: update.each,
              pictures: update.pictures,
              batches: update.batches,
            })}
          </p>
          {(keeps || (update.divides && update.each > 1)) && (
            <Switch
              label={t("devices.keep")}
              isSelected={keeps}
              onChange={(value) => editor.set("keep_effective_batch", value)}
            />
          )}
        </>
      )}
    </fieldset>
  );
}
