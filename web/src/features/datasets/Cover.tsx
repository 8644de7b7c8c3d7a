import { pictureUrl } from "@/features/datasets/DatasetsPage";
import type { DatasetPicture } from "@/features/datasets/DatasetView";
import { Icon } from "@/shared/icons";
import { Thumbnail } from "@/shared/Thumbnail";

type Props = { dataset: string; picture: DatasetPicture; className?: string; isLazy?: boolean };

/** A small view of a picture; of a video a frame, marked as one. */
export function Cover({ dataset, picture, className = "", isLazy = false }: Props) {
  const small = <Thumbnail src={pictureUrl(dataset, picture.name, 256)} className={className} isLazy={isLazy} />;
  if (!picture.is_video) return small;
  return (
    <span className={`relative block h-full ${className}`}>
      {small}
      <Icon name="play" size={24} className="picture-mark" />
    </span>
  );
}
