import { api } from "@/api/client";
import { curlLine } from "@/api/curl";
import { t } from "@/i18n";
import { CopyButton } from "@/shared/CopyButton";
import type { CurlAction } from "@/shared/Curl";

export function CurlLine({ label, request }: CurlAction) {
  const { data: access } = api.useQuery("get", "/api/access", {}, { staleTime: Number.POSITIVE_INFINITY });
  const line = curlLine(request, window.location.origin, access !== undefined && access.token !== "none");
  return (
    <div className="grid gap-1">
      <div className="flex items-center justify-between">
        <span className="label">{label}</span>
        <CopyButton value={line} label={t("curl.copy", { what: label })} />
      </div>
      <pre className="code max-h-40 overflow-auto">{line}</pre>
    </div>
  );
}
