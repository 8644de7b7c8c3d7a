"""Files of a concept's folder that look as if they belonged to its training, but do not: each with the reason."""

from collections.abc import Mapping
from pathlib import Path

from onetrainer_web.config.confined import reading
from onetrainer_web.dataset.scan import (
    CAPTION_EXTENSIONS,
    CONDITIONING_SUFFIX,
    MASK_SUFFIX,
    PICTURE_EXTENSIONS,
    PLUG_INS,
    SIDE_PICTURE_EXTENSION,
    ConceptScan,
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
_NEVER_PICTURES = _OTHER_CAPTIONS | _endings("txt caption csv npz npy safetensors pt md yaml")
_BEGINNINGS = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
_LOOKED_INTO = 1000
"""Files of unknown kinds opened at most, to see whether they are pictures: about 20 ms."""


def unused_pictures(scan: ConceptScan) -> list[tuple[str, str]]:
    """Names of files, and why they do not train; the reason goes on from the name.

    Pictures and videos of other kinds, masks that are no PNG or belong to no picture, captions that are not read, and
    files without a known ending that begin like a picture.
    """
    shown = (*scan.pictures, *scan.videos)
    has_caption = {base: one.caption_path is not None for one in shown for base in (one.path, one.path.with_suffix(""))}
    looked_into = 0
    found: list[tuple[str, str]] = []
    for path in scan.others:
        reason = _reason(path, has_caption)
        if reason is None and path.suffix.lower() not in _NEVER_PICTURES and looked_into < _LOOKED_INTO:
            looked_into += 1
            reason = "looks like a picture; give it the ending of its kind, such as .jpg" if _is_like(path) else None
        if reason:
            found.append((readable(path.relative_to(scan.folder).as_posix()), reason))
    return found


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


def _is_like(path: Path) -> bool:
    try:
        with reading(path, follow=True) as file:
            start = file.read(16)
    except OSError:
        return False
    is_in_container = (start[:4] == b"RIFF" and start[8:12] == b"WEBP") or start[4:12] in (b"ftypavif", b"ftypheic")
    return start.startswith(_BEGINNINGS) or is_in_container
