import { Dialog, DialogTrigger, Popover } from "react-aria-components";
import { t } from "@/i18n";
import { type CurlProps, CurlTrigger } from "@/shared/Curl";
import { CurlLine } from "@/shared/CurlLine";

/** The opened shell lines of a CurlButton, and its button from then on. */
export default function CurlPopover(props: CurlProps) {
  return (
    <DialogTrigger defaultOpen>
      <CurlTrigger {...props} />
      <Popover className="popover" placement="bottom end">
        <Dialog aria-label={t("curl.title")} className="grid w-[min(520px,calc(100vw-32px))] gap-4 p-4 outline-none">
          <p className="text-dim text-small">{t("curl.hint")}</p>
          {props.actions.map((action) => (
            <CurlLine key={action.label} {...action} />
          ))}
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
