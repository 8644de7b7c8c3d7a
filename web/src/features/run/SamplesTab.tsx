import { useState } from "react";
import type { Run } from "@/api/client";
import { useRunSamples } from "@/features/run/useRunSamples";
import { SampleWall } from "@/features/samples/SampleWall";
import { Segmented } from "@/shared/Segmented";
import { Empty, Loading } from "@/shared/views";
import { text } from "@/text";

const SIZES = { small: 96, medium: 160, large: 256 } as const;

export default function SamplesTab({ run }: { run: Run }) {
  const { samples, isPending } = useRunSamples(run.id);
  const [size, setSize] = useState<keyof typeof SIZES>("medium");
  if (isPending) return <Loading />;
  if (samples.length === 0) return <Empty icon="pictures" title={text.samples.noneYet} />;
  return (
    <div className="grid gap-4">
      <div className="flex flex-wrap items-center gap-4">
        <p className="grow text-dim">{text.samples.wallHint}</p>
        <Segmented
          label={text.samples.size}
          value={size}
          options={(["small", "medium", "large"] as const).map((value) => ({
            value,
            label: text.samples.sizes[value],
          }))}
          onChange={setSize}
        />
      </div>
      <SampleWall samples={samples} size={SIZES[size]} />
    </div>
  );
}
