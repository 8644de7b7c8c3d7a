import { useQuery } from "@tanstack/react-query";
import { client, type Run } from "@/api/client";
import { t } from "@/i18n";
import { type Bucket, BucketTable } from "@/shared/BucketTable";
import { Empty, QueryView } from "@/shared/views";

type Skipped = { path: string; reason: string };
type Pictures = { buckets: Bucket[]; skipped: Skipped[] };

async function readPictures(runId: string): Promise<Pictures> {
  const { data, error } = await client.GET("/api/runs/{run_id}/events", {
    params: { path: { run_id: runId }, query: { types: "planned,skipped", limit: 10_000 } },
  });
  if (error !== undefined) throw error;
  const found: Pictures = { buckets: [], skipped: [] };
  const skipped = new Map<string, Skipped>();
  for (const event of data.events) {
    if (event.type === "planned") found.buckets = event.buckets ?? [];
    if (event.type === "skipped")
      for (const picture of event.pictures) skipped.set(picture.path + picture.reason, picture);
  }
  return { ...found, skipped: [...skipped.values()] };
}

/** Which sizes train, and by name what does not train and why. */
export default function PicturesTab({ run }: { run: Run }) {
  const query = useQuery({
    queryKey: ["pictures", run.id, run.status, run.max_step],
    queryFn: () => readPictures(run.id),
  });
  return (
    <QueryView query={query}>
      {({ buckets, skipped }) =>
        buckets.length + skipped.length === 0 ? (
          <Empty icon="pictures" title={t("pictures.none")} />
        ) : (
          <div className="grid items-start gap-6 lg:grid-cols-2">
            <Buckets buckets={buckets} />
            <SkippedList skipped={skipped} />
          </div>
        )
      }
    </QueryView>
  );
}

function Buckets({ buckets }: { buckets: Bucket[] }) {
  return (
    <section aria-labelledby="buckets" className="grid gap-3">
      <h2 id="buckets" className="text-heading">
        {t("pictures.buckets")}
      </h2>
      <BucketTable buckets={buckets} />
      {buckets.length > 0 && <p className="text-dim text-small">{t("pictures.firstEpoch")}</p>}
    </section>
  );
}

function SkippedList({ skipped }: { skipped: Skipped[] }) {
  return (
    <section aria-labelledby="skipped" className="grid gap-3">
      <h2 id="skipped" className="text-heading">
        {t("pictures.skipped", { count: skipped.length })}
      </h2>
      {skipped.length === 0 ? (
        <p className="card p-4 text-dim">{t("pictures.noneSkipped")}</p>
      ) : (
        <ul className="card divide-y divide-line">
          {skipped.map((picture) => (
            <li key={picture.path + picture.reason} className="grid gap-1 p-4">
              <span className="break-words font-medium">{fileName(picture.path)}</span>
              <span className="text-dim">{picture.reason}</span>
              <span className="break-all text-faint text-small">{picture.path}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function fileName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}
