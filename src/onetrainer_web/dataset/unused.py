"""Files of a concept's folder that look as if they belonged to its training, but do not: each with the reason."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PureWindowsPath

from onetrainer_web.config.concepts import ConceptTextConfig
from onetrainer_web.config.enums import PromptSource
from onetrainer_web.dataset.kinds import PICTURE, VIDEO, kind_of
from onetrainer_web.dataset.scan import (
    CAPTION_EXTENSIONS,
    CONDITIONING_SUFFIX,
    MASK_SUFFIX,
    PICTURE_EXTENSIONS,
    PLUG_INS,
    SIDE_PICTURE_EXTENSION,
    ConceptScan,
    lone_texts,
    readable,
)


def _endings(names: str) -> frozenset[str]:
    return frozenset(f".{name}" for name in names.split())


_CONVERT = "is of a kind that does not train; convert it to PNG or JPEG"
_CONVERT_VIDEO = "is of a kind that does not train; convert it to MP4"
_OTHER_PICTURES = _endings(
    "apng arw bpg cr2 cr3 dcm dds dib dng emf eps exr fits hdr icns ico j2c j2k jif jls jp2 jpf jpx jxr kra mng mpo "
    "nef orf pam pbm pcx pef pfm pgm pict pjp pjpeg pnm ppm psb psd qoi raf raw rw2 sgi svg svgz tga wdp wmf xcf"
)
_OTHER_VIDEOS = _endings("3g2 3gp asf divx f4v m2ts m2v mjpeg mpe mpg mts mxf ogm ogv rm ts vob")
_OTHER_CAPTIONS = _endings("cap captions json prompt tag tags text xmp")
_NEVER_PICTURES = _OTHER_CAPTIONS | _endings("txt caption csv jsonl tsv parquet npz npy safetensors pt md yaml")
_LISTS = _endings("csv json jsonl tsv parquet")
_LONE = "belongs to no picture; give it the name of one, or make it the one text file of the concept"
_LIST = "is not read: each picture has a caption file of its own, cat.txt beside cat.jpg"
_ABOUT_ALL = ("readme", "license", "licence", "copying")
"""How texts about a whole data set are called."""
_LOOKED_INTO = 1000
"""Files of unknown kinds opened at most, to see whether they are pictures: about 20 ms."""


def unused_files(scan: ConceptScan, text: ConceptTextConfig, *, trains_videos: bool) -> list[tuple[str, str]]:
    """Names of files, and why they do not train; the reason goes on from the name.

    Pictures and videos of other kinds, videos where none train, masks that are no PNG or belong to no picture, captions
    that are not read, texts of no picture, and files without a known ending that begin like a picture or a video.

    Args:
        scan: What the folder of a concept holds.
        text: Names the files that all pictures of the concept have in common.
        trains_videos: Whether the model learns from videos.
    """
    shown = (*scan.pictures, *scan.videos)
    has_caption = {base: one.caption_path is not None for one in shown for base in (one.path, one.path.with_suffix(""))}
    reads_beside = text.prompt_source == PromptSource.SAMPLE and not all(has_caption.values())
    in_common = {PureWindowsPath(named).name for named in (text.prompt_path, text.tag_dropout_special_tags)}
    lone = {path for path in lone_texts(shown, scan.others) if not path.stem.lower().startswith(_ABOUT_ALL)}
    found = (
        [] if trains_videos else [(video.path, "is a video; this model trains on pictures") for video in scan.videos]
    )
    looked_into = 0
    for path in scan.others:
        ending = path.suffix.lower()
        reason = _reason(path, has_caption)
        if reason is None and path.name not in in_common:
            reason = _LONE if path in lone else _LIST if reads_beside and ending in _LISTS else None
        if reason is None and ending not in _NEVER_PICTURES and looked_into < _LOOKED_INTO:
            looked_into += 1
            reason = _reason_by_content(path)
        if reason:
            found.append((path, reason))
    return [(readable(path.relative_to(scan.folder).as_posix()), reason) for path, reason in sorted(found)]


def by_reason(unused: Sequence[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """Each reason once, with the names of all files that it holds for."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for name, reason in unused:
        names[reason].append(name)
    return list(names.items())


def _reason(path: Path, has_caption: Mapping[Path, bool]) -> str | None:
    ending, whole = path.suffix.lower(), path.with_suffix("")
    for suffix, what in ((MASK_SUFFIX, "mask"), (CONDITIONING_SUFFIX, "conditioning picture")):
        if whole.name.lower().endswith(suffix) and (ending in PICTURE_EXTENSIONS or ending in _OTHER_PICTURES):
            is_orphan = ending == SIDE_PICTURE_EXTENSION
            return f"is a {what} of no picture" if is_orphan else f"is not read as a {what}: that has to be a PNG"
    if ending == ".gif":
        return "is a GIF, which may hold one picture or many; convert it to PNG, or to MP4 for a video model"
    if ending in PLUG_INS and ending not in PICTURE_EXTENSIONS:
        return f"needs the package {PLUG_INS[ending]}: pip install 'onetrainer-web[pictures]'"
    if ending in _OTHER_PICTURES:
        return _CONVERT
    if ending in _OTHER_VIDEOS:
        return _CONVERT_VIDEO
    return _reason_of_caption(ending, has_caption.get(whole))


def _reason_of_caption(ending: str, has_caption: bool | None) -> str | None:
    """Why a file beside a picture is not its caption; None where there is no picture, or it is no caption."""
    if ending in CAPTION_EXTENSIONS and has_caption is not None:
        other = "its picture has another one" if has_caption else "there are several whose names differ in case alone"
        return f"is not read as a caption: {other}"
    if ending in _OTHER_CAPTIONS and has_caption is False:
        return "is not read as a caption: that has to be a .txt or .caption file"
    return None


def _reason_by_content(path: Path) -> str | None:
    kind = kind_of(path)
    example = {PICTURE: ".jpg", VIDEO: ".mp4"}.get(kind or "")
    return f"looks like a {kind}; give it the ending of its kind, such as {example}" if example else None
