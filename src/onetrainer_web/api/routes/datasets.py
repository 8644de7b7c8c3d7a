"""Data sets: folders of training pictures in the workspace, their upload, and their captions."""

import re
from typing import Annotated, Literal

from fastapi import Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field

from onetrainer_web.api.archives import ARCHIVE_ANSWERS, archive_response
from onetrainer_web.api.dependencies import AllowedPathsDependency, ServiceDependency, WorkspaceDependency
from onetrainer_web.api.pictures import PICTURE_ANSWERS, ThumbnailSize, picture_response
from onetrainer_web.api.routing import NOT_FOUND, Answer, ErrorResponse, new_router
from onetrainer_web.app.dataset_users import DatasetInUseError, runs_training_on
from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.dataset.buckets import parse_resolution
from onetrainer_web.dataset.caption_desk import CaptionChange, CaptionDesk, CaptionEncodings, CaptionText
from onetrainer_web.dataset.caption_edits import CaptionEdit
from onetrainer_web.dataset.caption_files import Undone, can_take_back
from onetrainer_web.dataset.library import DatasetLibrary, DatasetPicture, DatasetSummary
from onetrainer_web.dataset.scan import CAPTION_EXTENSIONS
from onetrainer_web.dataset.stats import BucketRule, ConceptStats, concept_stats
from onetrainer_web.errors import InvalidRequestError

router = new_router("/api/datasets", "datasets")

DatasetName = Annotated[str, Path(description="Name of the data set.", examples=["portraits"])]
FileName = Annotated[str, Path(description="Name of a picture in it.", examples=["001.png"])]


async def _library(workspace: WorkspaceDependency, allowed: AllowedPathsDependency) -> DatasetLibrary:
    return DatasetLibrary(workspace.datasets, allowed.holds)


LibraryDependency = Annotated[DatasetLibrary, Depends(_library)]


def _desk(library: LibraryDependency, name: DatasetName) -> CaptionDesk:
    return CaptionDesk(library, name)


DeskDependency = Annotated[CaptionDesk, Depends(_desk)]


class NewDataset(BaseModel):
    """A data set to make."""

    name: str = Field(max_length=100, description="Name of its folder.")


class DatasetList(BaseModel):
    """The data sets of the workspace."""

    datasets: list[DatasetSummary] = Field(description="By name.")


class PicturePage(BaseModel):
    """Some pictures of a data set."""

    pictures: list[DatasetPicture] = Field(description="By name.")
    total: int = Field(ge=0, description="Pictures on all pages.")
    can_undo: bool = Field(description="Whether the last change of several captions can be taken back.")


class DeletedDataset(BaseModel):
    """What deleting a data set did."""

    freed_bytes: int = Field(ge=0, description="Bytes that its files took.")


class NewCaptions(BaseModel):
    """Captions to write."""

    captions: dict[str, Annotated[str, Field(max_length=100_000)]] = Field(
        max_length=100_000, description="Name of a picture → its caption; an empty one removes the caption file."
    )


class WrittenCaptions(Answer):
    """Captions that were written."""

    revisions: dict[str, str] = Field(description="Name of the picture → revision of its new caption.")


class ChangedCaptions(ErrorResponse):
    """Why captions were not written: they are not what the sender saw."""

    captions: dict[str, CaptionText] = Field(description="Name of the picture → its caption now.")


class CaptionChanges(BaseModel):
    """What an edit of many captions changes."""

    changes: list[CaptionChange] = Field(description="Only captions that change, one for each caption file.")


class ChosenEncoding(BaseModel):
    """What captions are written in."""

    encoding: str = Field(max_length=20, description="One of those of GET …/captions/encodings.", examples=["gb18030"])


class EmptyUploadError(InvalidRequestError):
    """An upload without anything in it, where something must be."""

    def __init__(self, file_name: str) -> None:
        super().__init__(f"{file_name!r} came empty. The body of the request is the file itself.")


@router.get("")
def list_datasets(library: LibraryDependency) -> DatasetList:
    """The data sets of the workspace."""
    return DatasetList(datasets=library.summaries())


@router.post("")
def create_dataset(library: LibraryDependency, request: NewDataset) -> DatasetSummary:
    """Make an empty data set."""
    return library.create(request.name)


@router.delete(
    "/{name}",
    responses=NOT_FOUND | {409: {"model": ErrorResponse, "description": "Runs that are not over yet train on it."}},
)
def delete_dataset(
    library: LibraryDependency,
    service: ServiceDependency,
    workspace: WorkspaceDependency,
    name: DatasetName,
    force: Annotated[bool, Query(description="Delete it though runs wait for it or train on it.")] = False,
) -> DeletedDataset:
    """Delete a data set with all its files."""
    if not force and (runs := runs_training_on(library.folder(name), service, workspace)):
        raise DatasetInUseError(name, runs)
    return DeletedDataset(freed_bytes=library.delete(name))


@router.get("/{name}/pictures", responses=NOT_FOUND)
def list_dataset_pictures(
    library: LibraryDependency,
    name: DatasetName,
    search: Annotated[str, Query(max_length=200, description="Only pictures with this in name or caption.")] = "",
    offset: Annotated[int, Query(ge=0, le=2**53, description="Pictures to pass over.")] = 0,
    limit: Annotated[int, Query(ge=1, le=100_000, description="Pictures to give at most.")] = 1000,
) -> PicturePage:
    """The pictures and videos of a data set with their captions."""
    pictures, total = library.pictures(name, search, offset, limit)
    can_undo = can_take_back(library.folder(name))
    return PicturePage(pictures=pictures, total=total, can_undo=can_undo)


@router.get("/{name}/archive", response_class=Response, responses=NOT_FOUND | ARCHIVE_ANSWERS)
def get_dataset_archive(library: LibraryDependency, name: DatasetName) -> Response:
    """The pictures, videos, captions and masks of a data set as a zip."""
    folder, files = library.files(name)
    return archive_response(folder, files, name)


@router.get(
    "/{name}/files/{file_name}",
    response_class=Response,
    responses=NOT_FOUND | PICTURE_ANSWERS,
)
def get_dataset_picture(
    request: Request,
    library: LibraryDependency,
    workspace: WorkspaceDependency,
    name: DatasetName,
    file_name: FileName,
    thumbnail: ThumbnailSize = None,
) -> Response:
    """A picture itself, or a small one, or a video."""
    path = library.picture_path(name, file_name)
    return picture_response(request, path, (workspace.thumbnails, thumbnail))


@router.put(
    "/{name}/files/{file_name}",
    responses=NOT_FOUND | {412: {"description": "There is a file of this name, and it was not to be replaced."}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def upload_dataset_file(
    library: LibraryDependency,
    request: Request,
    name: DatasetName,
    file_name: FileName,
    if_none_match: Annotated[
        Literal["*"] | None, Header(description="With `*`, a file of this name that is there stays as it is.")
    ] = None,
) -> Answer:
    """Put a picture, a video or a caption (.txt) into a data set; the body is the file itself."""
    with library.writing(name, file_name, replaces=if_none_match is None) as file:
        async for part in request.stream():
            file.write(part)
        if not file.tell() and not file_name.lower().endswith(CAPTION_EXTENSIONS):
            raise EmptyUploadError(file_name)
    return Answer(message=f"Stored {file_name}")


@router.delete("/{name}/files/{file_name}", responses=NOT_FOUND)
def delete_dataset_picture(library: LibraryDependency, name: DatasetName, file_name: FileName) -> Answer:
    """Delete a picture or video and its caption."""
    library.delete_picture(name, file_name)
    return Answer(message=f"Deleted {file_name}")


@router.patch(
    "/{name}/captions",
    responses=NOT_FOUND
    | {412: {"model": ChangedCaptions, "description": "One of them is not what the sender saw; nothing was written."}},
)
def write_dataset_captions(
    desk: DeskDependency,
    request: NewCaptions,
    if_match: Annotated[
        str | None,
        Header(description='Revisions of the captions that the sender saw, `"1a2b", "3c4d"`; others are not replaced.'),
    ] = None,
) -> WrittenCaptions:
    """Write captions, one or many: all of them, or none when a picture does not exist."""
    seen = None if if_match in (None, "*") else re.findall(r'"([^"]*)"', if_match)
    revisions = desk.write(request.captions, seen)
    return WrittenCaptions(message=f"{len(request.captions)} written", revisions=revisions)


@router.post("/{name}/captions/preview", responses=NOT_FOUND)
def preview_caption_edit(desk: DeskDependency, edit: CaptionEdit) -> CaptionChanges:
    """What POST /api/datasets/{name}/captions/edit would change."""
    return CaptionChanges(changes=desk.preview(edit))


@router.post("/{name}/captions/edit", responses=NOT_FOUND)
def edit_dataset_captions(desk: DeskDependency, edit: CaptionEdit) -> CaptionChanges:
    """Edit all captions, each line by itself; sent twice, it changes nothing twice."""
    return CaptionChanges(changes=desk.edit(edit))


@router.post("/{name}/captions/undo", responses=NOT_FOUND)
def undo_caption_edit(desk: DeskDependency) -> Undone:
    """Take back the last change of several captions; what was changed since stays."""
    return desk.undo()


@router.get("/{name}/captions/encodings", responses=NOT_FOUND)
def list_caption_encodings(desk: DeskDependency) -> CaptionEncodings:
    """The caption files that are not UTF-8, and how they read in each encoding that they may have."""
    return desk.encodings()


@router.post("/{name}/captions/convert", responses=NOT_FOUND)
def convert_dataset_captions(desk: DeskDependency, request: ChosenEncoding) -> Answer:
    """Make all captions UTF-8."""
    return Answer(message=f"{desk.convert(request.encoding)} converted")


@router.get("/{name}/statistics", responses=NOT_FOUND)
def get_dataset_statistics(
    library: LibraryDependency,
    workspace: WorkspaceDependency,
    name: DatasetName,
    resolution: Annotated[str, Query(max_length=20, description="Side in pixels, or WIDTHxHEIGHT.")] = "512",
    multiple: Annotated[int, Query(ge=1, le=1024, description="What the model's sizes must be a multiple of.")] = 64,
    batch_size: Annotated[int, Query(ge=1, le=100_000, description="Pictures learned from at once.")] = 1,
) -> ConceptStats:
    """Counts, sizes, caption lengths, training sizes and what fills no batch; no pixels are decoded."""
    target = parse_resolution(resolution)[0]
    rule = BucketRule(target=target, multiple=multiple, is_bucketed=True, batch_size=batch_size)
    concept = ConceptConfig(name=name, path=library.relative_path(name))
    return concept_stats(concept, workspace.resolve, rule, library.holds(name))
