"""Numbers about a concept's folder."""

from pathlib import Path

from PIL import Image

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.dataset.stats import BucketRule, concept_stats

RULE = BucketRule(target=64, multiple=8, is_bucketed=True, batch_size=2)


def test_a_folder_is_summed_up_with_names(tmp_path: Path) -> None:
    for name, size in {"a": (64, 64), "b": (10, 10), "c": (128, 64)}.items():
        Image.new("RGB", size, "red").save(tmp_path / f"{name}.png")
    Image.new("L", (64, 64)).save(tmp_path / "a-masklabel.png")
    (tmp_path / "a.txt").write_text("red\na red square\n")
    (tmp_path / "b.txt").write_bytes("schön".encode("cp1252"))
    (tmp_path / "d.jpg").touch()
    (tmp_path / "e.mp4").touch()
    for name in ("prompts.txt", "a.caption", "d.jpg.txt"):
        (tmp_path / name).write_text("one\ntwo")

    stats = concept_stats(ConceptConfig(path=str(tmp_path)), Path, RULE)

    assert (stats.num_pictures, stats.num_videos, stats.num_masks, stats.num_conditioning) == (4, 1, 1, 0)
    assert stats.num_captioned == 3
    assert stats.uncaptioned == ["c.png"]
    assert [(broken.name, broken.reason) for broken in stats.broken] == [("d.jpg", "is empty (0 bytes)")]
    assert stats.pixels is not None
    assert (stats.pixels.least, stats.pixels.least_name, stats.pixels.greatest_name) == (100, "b.png", "c.png")
    assert stats.pixels.average == (4096 + 100 + 8192) / 3
    assert stats.caption_characters is not None
    assert (stats.caption_characters.greatest, stats.caption_characters.greatest_name) == (12, "a.png")
    assert [(b.width, b.height, b.count, b.left_over) for b in stats.buckets] == [(64, 64, 2, 0), (88, 48, 1, 1)]
    # A square fits; of 128 x 64, scaled to 96 x 48, eight columns are cut off.
    assert [b.cropped_percent for b in stats.buckets] == [0, 8.3]
    assert stats.num_bytes == sum((tmp_path / name).stat().st_size for name in ("a.png", "b.png", "c.png", "d.jpg"))
    in_another_encoding, unused, lone = stats.notes
    assert in_another_encoding == "b.txt is not UTF-8; it was read as cp1252."
    assert unused.startswith("a.caption is not read as a caption")
    assert lone.startswith("prompts.txt belongs to no picture; ")


def test_an_empty_folder_has_no_spans(tmp_path: Path) -> None:
    stats = concept_stats(ConceptConfig(path=str(tmp_path)), Path, RULE)
    assert stats.num_pictures == 0
    assert stats.pixels is None
    assert stats.caption_characters is None
    assert stats.buckets == []
