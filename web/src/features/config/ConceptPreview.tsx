import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { client } from "@/api/client";
import type { components } from "@/api/schema";
import type { Config } from "@/features/config/paths";
import { t } from "@/i18n";
import { Button, IconButton } from "@/shared/Button";
import { Checkbox } from "@/shared/Checkbox";
import { CurlButton } from "@/shared/Curl";
import { facts } from "@/shared/format";
import { Icon } from "@/shared/icons";
import { useSettled } from "@/shared/useSettled";
import { ErrorView, Loading } from "@/shared/views";

type Found = components["schemas"]["ConceptPreview"];

const PICTURES = 3;
const VARIATIONS = 4;
/** What the pictures depend on; other changes ask for nothing. */
const SHAPING = [
  "model_type",
  "resolution",
  "frames",
  "aspect_ratio_bucketing",
  "latent_caching",
  "masked_training",
  "unmasked_probability",
] as const;

async function readPreview(body: Config, offset: number): Promise<Found> {
  const { data, error } = await client.POST("/api/config/preview", {
    body,
    params: { query: { offset, limit: PICTURES, variations: VARIATIONS } },
  });
  if (error !== undefined) throw error;
  return data;
}

/** The crops and variations that training will draw of a concept's pictures, once somebody wants to see them. */
export function ConceptPreview({ config, concept }: { config: Config; concept: Config }) {
  const [isShown, setIsShown] = useState(false);
  return (
    <section aria-label={t("config.preview.title")} className="grid gap-3 border-line border-t py-4">
      <div className="flex flex-wrap items-center gap-2">
        <div className="min-w-0 grow">
          <h3 className="font-medium">{t("config.preview.title")}</h3>
          <p className="help">{t("config.preview.hint")}</p>
        </div>
        {!isShown && (
          <Button icon="pictures" isDisabled={!concept.path} onPress={() => setIsShown(true)}>
            {t("config.preview.show")}
          </Button>
        )}
      </div>
      {isShown && <Pictures config={config} concept={concept} />}
    </section>
  );
}

function Pictures({ config, concept }: { config: Config; concept: Config }) {
  const [offset, setOffset] = useState(0);
  const [showsMasks, setShowsMasks] = useState(true);
  const wanted = useMemo(
    () => ({ ...Object.fromEntries(SHAPING.map((key) => [key, config[key]])), concepts: [concept] }),
    [config, concept],
  );
  const body = useSettled(wanted);
  const { data, error } = useQuery({
    queryKey: ["concept-preview", body, offset],
    queryFn: () => readPreview(body, offset),
    placeholderData: keepPreviousData,
  });
  if (error) return <ErrorView error={error} />;
  if (!data) return <Loading rows={3} />;
  const hasMasks = data.pictures.some((picture) => picture.variations.some((variation) => variation.mask));
  if (data.total === 0) return <p className="text-dim">{t("config.preview.none")}</p>;
  const path = `/api/config/preview?offset=${offset}&limit=${PICTURES}&variations=${VARIATIONS}`;
  return (
    <>
      {hasMasks && <Checkbox label={t("config.preview.masks")} isSelected={showsMasks} onChange={setShowsMasks} />}
      {data.pictures.map((picture) => (
        <Row key={picture.name} picture={picture} trained={data.trained_variations} showsMasks={showsMasks} />
      ))}
      <div className="flex items-center gap-2">
        <p className="grow text-dim text-small">
          {facts(
            t("config.preview.place", {
              first: offset + 1,
              last: Math.min(offset + PICTURES, data.total),
              total: data.total,
            }),
            ...(data.trained_variations === null
              ? []
              : [t("config.preview.cached", { count: data.trained_variations })]),
          )}
        </p>
        <CurlButton actions={[{ label: t("config.preview.show"), request: { method: "POST", path, body } }]} />
        <IconButton
          icon="left"
          label={t("config.preview.earlier")}
          isDisabled={offset === 0}
          onPress={() => setOffset(Math.max(0, offset - PICTURES))}
        />
        <IconButton
          icon="right"
          label={t("config.preview.later")}
          isDisabled={offset + PICTURES >= data.total}
          onPress={() => setOffset(offset + PICTURES)}
        />
      </div>
    </>
  );
}

type RowProps = { picture: Found["pictures"][number]; trained: number | null; showsMasks: boolean };

/** Variations beyond those that train are pale: they only show what the settings could do. */
function Row({ picture, trained, showsMasks }: RowProps) {
  return (
    <div className="grid gap-1">
      <p className="flex items-center gap-1 text-small">
        {picture.is_video && <Icon name="play" size={16} />}
        <span className="grow truncate">{picture.name}</span>
        {picture.problem !== null && <span className="text-bad">{picture.problem}</span>}
      </p>
      <div className="grid grid-cols-4 items-start gap-2">
        {picture.variations.map((variation, index) => (
          <figure key={index}>
            <div
              className={`relative overflow-hidden rounded-control ${trained !== null && index >= trained ? "opacity-35" : ""}`}
            >
              <img
                src={variation.picture}
                alt={t("config.preview.variation", { name: picture.name, number: index + 1 })}
                className="w-full"
              />
              {showsMasks && variation.mask !== null && (
                <img
                  src={variation.mask}
                  alt={t("config.preview.maskOf", { name: picture.name, number: index + 1 })}
                  className="absolute inset-0 h-full w-full opacity-75 mix-blend-multiply"
                />
              )}
            </div>
            <figcaption className="text-faint text-tiny">
              {t("dimensions", { width: variation.width, height: variation.height })}
            </figcaption>
          </figure>
        ))}
      </div>
    </div>
  );
}
