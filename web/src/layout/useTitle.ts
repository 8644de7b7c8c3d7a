import { useRouterState } from "@tanstack/react-router";
import { useEffect } from "react";
import { isHere, PLACES } from "@/layout/navigation";
import { useNowTraining } from "@/layout/useNowTraining";
import { text } from "@/text";

/** The window's title: how far the training is, so that a tab in the background tells it, and where one is. */
export function useTitle(): void {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const training = useNowTraining();
  const place = PLACES.find((one) => isHere(one, path))?.label;
  const title = [training && text.run.trainsNow(training.name, training.percent), place, text.productName];
  const shown = title.filter(Boolean).join(" – ");
  useEffect(() => {
    document.title = shown;
  }, [shown]);
}
