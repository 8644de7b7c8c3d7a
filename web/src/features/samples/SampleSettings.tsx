import { Link } from "@tanstack/react-router";
import { type Sample, sampleImage } from "@/api/client";
import { CurlLine } from "@/shared/CurlLine";
import { formatCount, formatDateTime } from "@/shared/format";
import { Icon } from "@/shared/icons";
import { factsOf, isOfNoStep, sampleRequest } from "@/shared/sampleGrid";
import { text } from "@/text";

/** How one picture came about, and how to have it drawn again. */
export function SampleSettings({ sample }: { sample: Sample }) {
  const facts = factsOf(sample);
  const rows: [string, React.ReactNode][] = [
    [text.samples.facts.step, isOfNoStep(facts) ? null : formatCount(facts.globalStep)],
    [text.samples.facts.epoch, isOfNoStep(facts) ? null : facts.epoch],
    [text.samples.facts.seed, facts.seed],
    [text.samples.facts.steps, facts.steps],
    [text.samples.facts.cfg, facts.cfgScale],
    [text.samples.facts.size, facts.width && facts.height ? text.dimensions(facts.width, facts.height) : null],
    [text.samples.facts.time, formatDateTime(sample.timestamp)],
  ];
  const request = { method: "POST", path: "/api/samples/custom", body: sampleRequest(facts) } as const;
  return (
    <div className="grid gap-6">
      <div className="grid gap-1">
        <h2 className="label">{text.samples.facts.prompt}</h2>
        <p className="break-words text-lead">{facts.prompt}</p>
        {facts.negativePrompt && <p className="break-words text-dim">{text.samples.without(facts.negativePrompt)}</p>}
      </div>
      <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-2">
        {rows.map(([label, value]) =>
          value === null ? null : (
            <div key={label} className="contents">
              <dt className="text-faint">{label}</dt>
              <dd className="text-right font-medium">{value}</dd>
            </div>
          ),
        )}
      </dl>
      <div className="flex flex-wrap gap-2">
        <a className="button" href={sampleImage(sample.id)} download={sample.path.split(/[\\/]/).at(-1)}>
          <Icon name="download" size={18} />
          {text.common.download}
        </a>
        <Link className="button button-quiet" to="/runs/$runId" params={{ runId: facts.runId }}>
          {text.samples.toRun}
        </Link>
      </div>
      <CurlLine label={text.samples.asRequest} request={request} />
    </div>
  );
}
