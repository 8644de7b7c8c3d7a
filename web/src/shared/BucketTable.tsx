import { formatCount } from "@/shared/format";
import { Scroller } from "@/shared/Scroller";
import { text } from "@/text";

export type Bucket = { width: number; height: number; kept: number; left_over: number };

/** Which sizes train, with how many pictures, and how many of these fill no batch. */
export function BucketTable({ buckets }: { buckets: Bucket[] }) {
  const most = Math.max(1, ...buckets.map((bucket) => bucket.kept + bucket.left_over));
  return (
    <Scroller label={text.pictures.buckets} className="card">
      <table className="table">
        <caption className="sr-only">{text.pictures.buckets}</caption>
        <thead>
          <tr>
            <th scope="col">{text.pictures.size}</th>
            <th scope="col" className="w-1/2">
              {text.pictures.share}
            </th>
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
              <td className="whitespace-nowrap">
                {bucket.width} × {bucket.height}
              </td>
              <td>
                <div className="mt-1.5 flex h-2 overflow-hidden rounded-full bg-sunken">
                  <div className="bg-accent" style={{ width: `${(bucket.kept / most) * 100}%` }} />
                  <div className="bg-warn" style={{ width: `${(bucket.left_over / most) * 100}%` }} />
                </div>
              </td>
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
