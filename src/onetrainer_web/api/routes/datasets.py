"""Data sets: folders of training pictures in the workspace, their upload, and their captions."""

from typing import Annotated, Literal

from fastapi import Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field

from onetrainer_web.api.archives import ARCHIVE_ANSWERS, archive_response
from onetrainer_web.api.dependencies import WorkspaceDependency
from onetrainer_web.api.pictures import PICTURE_ANSWERS, picture_response
from onetrainer_web.api.routing import NOT_FOUND, Answer, new_router
from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.dataset.buckets import parse_resolution
from onetrainer_web.dataset.caption_edits import CaptionChange, CaptionEdit, changes_of
from onetrainer_web.dataset.library import DatasetLibrary, DatasetPicture, DatasetSummary
from onetrainer_web.dataset.stats import BucketRule, ConceptStats, concept_stats

router = new_router("/api/datasets", "datasets")

DatasetName = Annotated[str, Path(description="Name of the data set.", examples=["portraits"])]
FileName = Annotated[str, Path(description="Name of a picture in it.", examples=["001.png"])]


async def _library(workspace: WorkspaceDependency) -> DatasetLibrary:
    return DatasetLibrary(workspace.datasets)


LibraryDependency = Annotated[DatasetLibrary, Depends(_library)]


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


class DeletedDataset(BaseModel):
    """What deleting a data set did."""

    freed_bytes: int = Field(ge=0, description="Bytes that its files took.")


class NewCaptions(BaseModel):
    """Captions to write."""

    captions: dict[str, Annotated[str, Field(max_length=100_000)]] = Field(
        max_length=100_000, description="Name of a picture → its caption; an empty one removes the caption file."
    )


class CaptionPreview(BaseModel):
    """What an edit of many captions would change."""

    changes: list[CaptionChange] = Field(description="Only captions that would change.")


@router.get("")
def list_datasets(library: LibraryDependency) -> DatasetList:
    """The data sets of the workspace."""
    return DatasetList(datasets=library.summaries())


@router.post("")
def create_dataset(library: LibraryDependency, request: NewDataset) -> DatasetSummary:
    """Make an empty data set."""
    return library.create(request.name)


@router.delete("/{name}", responses=NOT_FOUND)
def delete_dataset(library: LibraryDependency, name: DatasetName) -> DeletedDataset:
    """Delete a data set with all its files."""
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
    found = library.pictures(name, search)
    return PicturePage(pictures=found[offset : offset + limit], total=len(found))


@router.get("/{name}/archive", response_class=Response, responses=NOT_FOUND | ARCHIVE_ANSWERS)
def get_dataset_archive(library: LibraryDependency, name: DatasetName) -> Response:
    """All files of a data set as a zip."""
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
    thumbnail: Annotated[
        int | None,
        Query(ge=16, le=1024, description="Give a small picture instead, with sides up to this many pixels."),
    ] = None,
) -> Response:
    """A picture itself, or a small one, or a video."""
    path = library.picture_path(name, file_name)
    return picture_response(request, path, (workspace.thumbnails, thumbnail) if thumbnail else None)


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
    return Answer(message=f"Stored {file_name}")


@router.delete("/{name}/files/{file_name}", responses=NOT_FOUND)
def delete_dataset_picture(library: LibraryDependency, name: DatasetName, file_name: FileName) -> Answer:
    """Delete a picture or video and its caption."""
    library.delete_picture(name, file_name)
    return Answer(message=f"Deleted {file_name}")


@router.patch("/{name}/captions", responses=NOT_FOUND)
def write_dataset_captions(library: LibraryDependency, name: DatasetName, request: NewCaptions) -> Answer:
    """Write captions, one or many: all of them, or none when a picture does not exist."""
    library.write_captions(name, request.captions)
    return Answer(message=f"{len(request.captions)} written")


@router.post("/{name}/captions/preview", responses=NOT_FOUND)
def preview_caption_edit(library: LibraryDependency, name: DatasetName, edit: CaptionEdit) -> CaptionPreview:
    """What an edit of all captions would change; send its results to PATCH /api/datasets/{name}/captions."""
    return CaptionPreview(changes=changes_of(edit, library.pictures(name)))


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
    return concept_stats(concept, workspace.resolve, rule)
