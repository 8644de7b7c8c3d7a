import { useRouterState } from "@tanstack/react-router";
import { useEffect } from "react";
import { t } from "@/i18n";
import { isHere, PLACES } from "@/layout/navigation";
import { useNowTraining } from "@/layout/useNowTraining";

/** The window's title: how far the training is, so that a tab in the background tells it, and where one is. */
export function useTitle(): void {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const training = useNowTraining();
  const place = PLACES.find((one) => isHere(one, path));
  const title = [
    training && t("run.trainsNow", { name: training.name, percent: training.percent }),
    place && t(`nav.${place.name}`),
    t("productName"),
  ];
  const shown = title.filter(Boolean).join(" – ");
  useEffect(() => {
    document.title = shown;
  }, [shown]);
}
