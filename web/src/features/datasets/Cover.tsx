import { pictureUrl } from "@/features/datasets/DatasetsPage";
import type { DatasetPicture } from "@/features/datasets/DatasetView";
import { Icon } from "@/shared/icons";
import { Thumbnail } from "@/shared/Thumbnail";

type Props = { dataset: string; picture: DatasetPicture; className?: string; isLazy?: boolean };

/** A small view of a picture; of a video its first frame, as far as the browser can read it. */
export function Cover({ dataset, picture, className = "", isLazy = false }: Props) {
  if (!picture.is_video)
    return <Thumbnail src={pictureUrl(dataset, picture.name, 256)} className={className} isLazy={isLazy} />;
  return (
    <span className={`relative block h-full ${className}`}>
      <video src={pictureUrl(dataset, picture.name)} preload="metadata" muted playsInline className="picture" />
      <Icon name="play" size={24} className="picture-mark" />
    </span>
  );
}
