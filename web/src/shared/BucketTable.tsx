import { t } from "@/i18n";
import { facts, formatCount } from "@/shared/format";
import { Scroller } from "@/shared/Scroller";

export type Bucket = {
  width: number;
  height: number;
  is_video?: boolean;
  kept: number;
  left_over: number;
  /** Of a run: samples whose picture had its turn before, and samples of which something is cut off. */
  repeated?: number;
  cropped?: number;
  /** Of a folder: of the pictures' area, on average and of the one that loses most. */
  cropped_percent?: number;
  most_cropped_percent?: number;
};

/** Which sizes train, with how many pictures, what is cut off of them, and how many fill no batch. */
export function BucketTable({ buckets }: { buckets: Bucket[] }) {
  const most = Math.max(1, ...buckets.map((bucket) => bucket.kept + bucket.left_over));
  const hasCrops = buckets.some((bucket) => (bucket.cropped ?? bucket.cropped_percent) !== undefined);
  const hasRepeats = buckets.some((bucket) => bucket.repeated !== undefined);
  const counted = [
    ...(hasRepeats ? [t("pictures.repeated")] : []),
    ...(hasCrops ? [t("pictures.cropped")] : []),
    t("pictures.kept"),
    t("pictures.leftOver"),
  ];
  return (
    <Scroller label={t("pictures.buckets")} className="card">
      <table className="table">
        <caption className="sr-only">{t("pictures.buckets")}</caption>
        <thead>
          <tr>
            <th scope="col" className="whitespace-nowrap">
              {t("pictures.size")}
            </th>
            <th scope="col" className="w-2/5 max-sm:hidden">
              {t("pictures.share")}
            </th>
            {counted.map((title) => (
              <th key={title} scope="col" className="whitespace-nowrap text-right">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {buckets.map((bucket) => (
            <tr key={nameOf(bucket)}>
              <td className="whitespace-nowrap">{nameOf(bucket)}</td>
              <td className="max-sm:hidden">
                <div className="mt-1.5 flex h-2 overflow-hidden rounded-full bg-sunken">
                  <div className="bg-accent" style={{ width: `${(bucket.kept / most) * 100}%` }} />
                  <div className="bg-warn" style={{ width: `${(bucket.left_over / most) * 100}%` }} />
                </div>
              </td>
              {hasRepeats && <Count value={bucket.repeated ?? 0} />}
              {hasCrops && <Cropped bucket={bucket} />}
              <td className="text-right">{formatCount(bucket.kept)}</td>
              <Count value={bucket.left_over} look="text-warn" />
            </tr>
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}

function nameOf({ width, height, is_video }: Bucket): string {
  const size = t("dimensions", { width, height });
  return is_video ? facts(size, t("pictures.videos")) : size;
}

/** A number that matters when it is not zero. */
function Count({ value, look = "" }: { value: number; look?: string }) {
  return <td className={`text-right ${value ? look : "text-faint"}`}>{formatCount(value)}</td>;
}

function Cropped({ bucket }: { bucket: Bucket }) {
  if (bucket.cropped !== undefined) return <Count value={bucket.cropped} />;
  const { cropped_percent: average = 0, most_cropped_percent: most = 0 } = bucket;
  return (
    <td
      className={`whitespace-nowrap text-right ${average === 0 ? "text-faint" : ""}`}
      title={t("pictures.mostCropped", { percent: formatCount(most) })}
    >
      {t("pictures.croppedBy", { percent: average })}
    </td>
  );
}
