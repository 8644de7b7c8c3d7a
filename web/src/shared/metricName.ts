/** What a curve is called: OneTrainer's TensorBoard tag in the page's words, or the tag itself. */
import { t } from "@/i18n";

export function metricName(tag: string): string {
  const [kind = "", of = "", ...rest] = tag.split("/");
  if (kind === "lr") {
    const part = [of, ...rest].join("/").replaceAll("_", " ");
    return t("metrics.learningRateOf", { part: part.replace(/\blora\b/, "LoRA") });
  }
  if (of === "train_step" && kind === "loss") return t("metrics.trainingLoss");
  if (of === "train_step" && kind === "smooth_loss") return t("metrics.smoothLoss");
  return kind === "loss" && of === "validation_step" ? t("metrics.validation", { name: rest.join("/") }) : tag;
}
