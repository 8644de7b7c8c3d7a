import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { I18nProvider } from "react-aria-components";
import { createRoot } from "react-dom/client";
import { formatLocale, language, showLanguage } from "@/i18n";
import { queries, router } from "@/router";
import { useStore } from "@/shared/store";
import { notify } from "@/shared/toasts";
import { errorText } from "@/shared/views";
import "@/styles/index.css";

/** Made anew in another language: whatever was drawn says it then. */
function Page() {
  const shown = useStore(language);
  return (
    <I18nProvider key={shown} locale={formatLocale(shown)}>
      <RouterProvider router={router} />
    </I18nProvider>
  );
}

function draw() {
  const root = document.getElementById("root");
  if (root)
    createRoot(root).render(
      <StrictMode>
        <QueryClientProvider client={queries}>
          <Page />
        </QueryClientProvider>
      </StrictMode>,
    );
}

// Not awaited at the top: chunks that share code with a module which waits there cannot be joined with it.
showLanguage()
  .catch((error: unknown) => notify("error", errorText(error)))
  .finally(draw);
