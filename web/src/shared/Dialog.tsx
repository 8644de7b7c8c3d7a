import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { t } from "@/i18n";
import { IconButton } from "@/shared/Button";

type Props = {
  title: string;
  isOpen: boolean;
  /** Without it the dialog stays until one of its buttons is pressed. */
  onClose?: () => void;
  isWide?: boolean;
  /** Whether nothing behind it shall be seen. */
  isOpaque?: boolean;
  children: React.ReactNode;
  footer?: React.ReactNode;
};

export function Dialog({ title, isOpen, onClose, isWide = false, isOpaque = false, children, footer }: Props) {
  return (
    <ModalOverlay
      isOpen={isOpen}
      onOpenChange={(open) => !open && onClose?.()}
      isDismissable={onClose !== undefined}
      isKeyboardDismissDisabled={onClose === undefined}
      className={isOpaque ? "backdrop bg-canvas" : "backdrop"}
    >
      <Modal className={`modal ${isWide ? "modal-wide" : ""}`}>
        <AriaDialog className="outline-none">
          <div className="flex items-center gap-4 pt-4 pr-4 pl-6">
            <Heading slot="title" className="grow text-heading">
              {title}
            </Heading>
            {onClose && <IconButton icon="close" label={t("common.close")} onPress={onClose} />}
          </div>
          <div className="grid gap-4 px-6 pt-2 pb-6">{children}</div>
          {footer && (
            <div className="flex flex-wrap items-center justify-end gap-2 border-line border-t px-6 py-4 max-sm:px-4">
              {footer}
            </div>
          )}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
