import { formatCount } from "@/shared/format";
import { Scroller } from "@/shared/Scroller";
import { text } from "@/text";

export type Bucket = {
  width: number;
  height: number;
  kept: number;
  left_over: number;
  /** Of the pictures' area, on average and of the one that loses most; a run does not tell it. */
  cropped_percent?: number;
  most_cropped_percent?: number;
};

/** Which sizes train, with how many pictures, what is cut off of them, and how many fill no batch. */
export function BucketTable({ buckets }: { buckets: Bucket[] }) {
  const most = Math.max(1, ...buckets.map((bucket) => bucket.kept + bucket.left_over));
  const hasCrops = buckets.some((bucket) => bucket.cropped_percent !== undefined);
  return (
    <Scroller label={text.pictures.buckets} className="card">
      <table className="table">
        <caption className="sr-only">{text.pictures.buckets}</caption>
        <thead>
          <tr>
            <th scope="col">{text.pictures.size}</th>
            <th scope="col" className="w-2/5">
              {text.pictures.share}
            </th>
            {hasCrops && (
              <th scope="col" className="text-right">
                {text.pictures.cropped}
              </th>
            )}
            <th scope="col" className="text-right">
              {text.pictures.kept}
            </th>
            <th scope="col" className="text-right">
              {text.pictures.leftOver}
            </th>
          </tr>
        </thead>
        <tbody>
          {buckets.map((bucket) => (
            <tr key={`${bucket.width}x${bucket.height}`}>
              <td className="whitespace-nowrap">{text.dimensions(bucket.width, bucket.height)}</td>
              <td>
                <div className="mt-1.5 flex h-2 overflow-hidden rounded-full bg-sunken">
                  <div className="bg-accent" style={{ width: `${(bucket.kept / most) * 100}%` }} />
                  <div className="bg-warn" style={{ width: `${(bucket.left_over / most) * 100}%` }} />
                </div>
              </td>
              {hasCrops && <Cropped bucket={bucket} />}
              <td className="text-right">{formatCount(bucket.kept)}</td>
              <td className={`text-right ${bucket.left_over ? "text-warn" : "text-faint"}`}>
                {formatCount(bucket.left_over)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}

function Cropped({ bucket: { cropped_percent: average = 0, most_cropped_percent: most = 0 } }: { bucket: Bucket }) {
  return (
    <td
      className={`whitespace-nowrap text-right ${average === 0 ? "text-faint" : ""}`}
      title={text.pictures.mostCropped(most)}
    >
      {text.pictures.croppedBy(average)}
    </td>
  );
}
