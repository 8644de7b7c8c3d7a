"""Variations of captions."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from onetrainer_web.config.concepts import ConceptTextConfig
from onetrainer_web.dataset.tags import SpecialTags, SpecialTagsError, read_special_tags, vary_caption
from onetrainer_web.errors import InvalidConfigError

CAPTION = "ohwx, red, circle, blue background, small"
TAGS = CAPTION.split(", ")


def text_config(**settings: object) -> ConceptTextConfig:
    return ConceptTextConfig.model_validate(settings)


def varied(caption: str = CAPTION, seed: int = 0, **settings: Any) -> str:
    config = text_config(**settings)
    special = read_special_tags(config, Path)
    return vary_caption(caption, config, special, random.Random(seed))


def tag_counts(num: int = 1000, **settings: Any) -> Counter[str]:
    return Counter(tag for seed in range(num) for tag in varied(seed=seed, **settings).split(", "))


DROPPING = {"tag_dropout_enable": True, "tag_dropout_probability": 0.5}


def test_a_caption_stays_letter_by_letter_when_nothing_is_switched_on() -> None:
    odd = " a ,b,, c  "
    assert varied(odd) == odd
    assert varied(odd, tag_dropout_enable=True, tag_dropout_probability=0.0) == odd


def test_shuffling_keeps_the_first_tags_and_loses_none() -> None:
    shuffled = {varied(seed=seed, enable_tag_shuffling=True, keep_tags_count=2) for seed in range(100)}
    assert len(shuffled) == 6  # all orders of the other three
    assert all(
        caption.startswith("ohwx, red, ") and sorted(caption.split(", ")) == sorted(TAGS) for caption in shuffled
    )


def test_full_dropping_takes_all_tags_but_the_kept_at_once() -> None:
    counts = Counter(varied(seed=seed, tag_dropout_mode="FULL", **DROPPING) for seed in range(1000))
    assert counts.keys() == {"ohwx", CAPTION}
    assert 430 < counts["ohwx"] < 570


def test_random_dropping_takes_each_tag_alone() -> None:
    counts = tag_counts(tag_dropout_mode="RANDOM", **DROPPING)
    assert counts["ohwx"] == 1000
    assert all(430 < counts[tag] < 570 for tag in TAGS[1:])


def test_weighted_dropping_takes_later_tags_more_often() -> None:
    counts = tag_counts(tag_dropout_mode="RANDOM WEIGHTED", **DROPPING)
    # Position i of 4 is dropped with 0.5·(i+1)/4.
    for tag, kept in zip(TAGS[1:], (875, 750, 625, 500), strict=True):
        assert abs(counts[tag] - kept) < 60


@pytest.mark.parametrize("mode", ["FULL", "RANDOM", "RANDOM WEIGHTED"])
def test_a_whitelist_protects_and_a_blacklist_exposes(mode: str) -> None:
    always = {"tag_dropout_enable": True, "tag_dropout_probability": 1.0, "tag_dropout_special_tags": "circle, small"}
    assert "circle" in varied(tag_dropout_mode=mode, tag_dropout_special_tags_mode="WHITELIST", **always)
    exposed = varied(tag_dropout_mode=mode, tag_dropout_special_tags_mode="BLACKLIST", **always).split(", ")
    assert "small" not in exposed  # the last position is dropped with certainty in every mode
    assert {"ohwx", "red", "blue background"} <= set(exposed)


def test_special_tags_can_be_expressions_that_match_whole_tags() -> None:
    config = text_config(
        tag_dropout_special_tags_mode="WHITELIST",
        tag_dropout_special_tags="blue.*, red",
        tag_dropout_special_tags_regex=True,
    )
    special = read_special_tags(config, Path)
    assert special.has("blue background")
    assert special.has("red")
    assert not special.has("light blue")
    assert not special.has("redder")


def test_special_tags_can_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "tags.txt").write_bytes("red\nblue, green\rlight\u2028grey\n".encode())
    config = text_config(tag_dropout_special_tags_mode="WHITELIST", tag_dropout_special_tags="tags.txt")
    assert read_special_tags(config, lambda path: tmp_path / path).plain == {"red", "blue", "green", "light\u2028grey"}


def test_of_a_csv_the_first_column_is_the_tag_whatever_the_delimiter(tmp_path: Path) -> None:
    (tmp_path / "tags.CSV").write_text('hat,0,33,"cap,headwear"\r\n"a, b",0,5\r\n\r\n')
    for delimiter in (",", ";", "."):
        config = text_config(
            tag_dropout_special_tags_mode="WHITELIST", tag_dropout_special_tags="tags.CSV", tag_delimiter=delimiter
        )
        assert read_special_tags(config, lambda path: tmp_path / path).plain == {"hat", "a, b"}


def test_with_expressions_a_tag_in_brackets_counts_without_them_and_a_smiley_is_itself() -> None:
    settings = {"tag_dropout_special_tags_mode": "WHITELIST", "tag_dropout_special_tags": "hat, re.*, :), (["}
    special = read_special_tags(text_config(tag_dropout_special_tags_regex=True, **settings), Path)
    assert all(special.has(tag) for tag in ("hat", "(hat)", "(red)", ":)", "(["))
    assert not read_special_tags(text_config(**settings), Path).has("(hat)")


def test_a_missing_file_of_special_tags_is_an_error(tmp_path: Path) -> None:
    config = text_config(tag_dropout_special_tags_mode="BLACKLIST", tag_dropout_special_tags="missing.txt")
    with pytest.raises(SpecialTagsError):
        read_special_tags(config, lambda path: tmp_path / path)


def test_special_tags_that_are_switched_off_are_not_read() -> None:
    assert read_special_tags(text_config(tag_dropout_special_tags="missing.txt"), Path) == SpecialTags()


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("capslock", "A RED FOX, B"), ("title", "A Red Fox, B"), ("first", "A red fox, B")],
)
def test_capitalisations(mode: str, expected: str) -> None:
    caption = varied(
        "a red fox, b", caps_randomize_enable=True, caps_randomize_mode=mode, caps_randomize_probability=1.0
    )
    assert caption == expected


def test_title_case_knows_apostrophes() -> None:
    settings = {"caps_randomize_enable": True, "caps_randomize_mode": "title", "caps_randomize_probability": 1.0}
    assert varied("the man's  HAT, don't stop, 3d render, women’s", **settings) == (
        "The Man's  Hat, Don't Stop, 3d Render, Women’s"
    )


def test_random_capitalisation_changes_letters_only_in_case() -> None:
    settings = {"caps_randomize_enable": True, "caps_randomize_mode": "random", "caps_randomize_probability": 1.0}
    captions = {varied(seed=seed, **settings) for seed in range(10)}
    assert len(captions) == 10
    assert {caption.lower() for caption in captions} == {CAPTION}


def test_lower_case_acts_on_its_own() -> None:
    assert varied("A Red Fox ,x", caps_randomize_lowercase=True) == "a red fox ,x"


def test_an_unknown_capitalisation_is_an_error() -> None:
    with pytest.raises(InvalidConfigError, match="capslock, title, first, random"):
        varied(caps_randomize_enable=True, caps_randomize_mode="shout")


def test_another_delimiter_is_obeyed() -> None:
    shuffled = varied("a|b|c", seed=3, enable_tag_shuffling=True, tag_delimiter="|", keep_tags_count=0)
    assert sorted(shuffled.split("| ")) == ["a", "b", "c"]
