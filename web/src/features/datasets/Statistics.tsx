import { useState } from "react";
import { api } from "@/api/client";
import { t } from "@/i18n";
import { BucketTable } from "@/shared/BucketTable";
import { TextField } from "@/shared/fields";
import { formatBytes, formatCount } from "@/shared/format";
import { QueryView } from "@/shared/views";

/** What a training would make of these pictures. */
export function Statistics({ name }: { name: string }) {
  const [resolution, setResolution] = useState("512");
  const [batch, setBatch] = useState("4");
  const batchSize = Math.max(1, Math.trunc(Number(batch)) || 1);
  const query = api.useQuery(
    "get",
    "/api/datasets/{name}/statistics",
    { params: { path: { name }, query: { resolution, batch_size: batchSize } } },
    { placeholderData: (before) => before, refetchOnMount: "always" },
  );
  return (
    <div className="grid gap-6">
      <div className="flex flex-wrap gap-4">
        <TextField
          label={t("datasets.resolution")}
          value={resolution}
          onChange={setResolution}
          inputMode="numeric"
          className="w-40"
        />
        <TextField
          label={t("datasets.batchSize")}
          value={batch}
          onChange={setBatch}
          inputMode="numeric"
          className="w-40"
        />
      </div>
      <QueryView query={query}>
        {(found) => (
          <div className="grid items-start gap-6 lg:grid-cols-2">
            <BucketTable
              buckets={found.buckets.map((bucket) => ({ ...bucket, kept: bucket.count - bucket.left_over }))}
            />
            <section className="card grid gap-4 p-4" aria-label={t("datasets.views.statistics")}>
              <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-2">
                {[
                  [t("pictures.pictures"), formatCount(found.num_pictures)],
                  [t("pictures.videosTotal"), formatCount(found.num_videos)],
                  [t("datasets.withCaption"), formatCount(found.num_captioned)],
                  [t("datasets.withMask"), formatCount(found.num_masks)],
                  [t("datasets.bytes"), formatBytes(found.num_bytes)],
                  [
                    t("datasets.captionLength"),
                    found.caption_characters ? formatCount(Math.round(found.caption_characters.average)) : "–",
                  ],
                ].map(([label, value]) => (
                  <div key={label} className="contents">
                    <dt className="text-faint">{label}</dt>
                    <dd className="text-right font-medium">{value}</dd>
                  </div>
                ))}
              </dl>
              {found.broken.length > 0 && (
                <ul className="grid gap-1 text-bad">
                  {found.broken.map((broken) => (
                    <li key={broken.name}>
                      {broken.name} {broken.reason}
                    </li>
                  ))}
                </ul>
              )}
              {found.notes.map((note) => (
                <p key={note} className="text-warn">
                  {note}
                </p>
              ))}
            </section>
          </div>
        )}
      </QueryView>
    </div>
  );
}
