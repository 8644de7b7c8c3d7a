"""The data set endpoints: upload, captions, statistics."""

from io import BytesIO
from pathlib import Path
from urllib.parse import quote
from zipfile import ZipFile

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from onetrainer_web.dataset.videos import write_video


def png(width: int = 64, height: int = 64) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (width, height), "navy").save(buffer, "PNG")
    return buffer.getvalue()


def make_dataset(client: TestClient, *names: str) -> None:
    assert client.post("/api/datasets", json={"name": "cats"}).status_code == 200
    for name in names:
        assert client.put(f"/api/datasets/cats/files/{name}", content=png()).status_code == 200


def test_pictures_go_in_and_come_out(client: TestClient) -> None:
    make_dataset(client, "a.png", "b.png")
    client.put("/api/datasets/cats/files/a.txt", content=b"a blue square")

    page = client.get("/api/datasets/cats/pictures", params={"limit": 1}).json()

    assert page["total"] == 2
    (picture,) = page["pictures"]
    assert len(picture.pop("revision")) == 16
    assert picture == {
        "name": "a.png",
        "caption": "a blue square",
        "has_caption": True,
        "shared_with": [],
        "size": len(png()),
        "is_video": False,
    }
    assert client.get("/api/datasets/cats/files/a.png").content == png()
    small = Image.open(BytesIO(client.get("/api/datasets/cats/files/a.png", params={"thumbnail": 32}).content))
    assert small.size == (32, 32)
    assert client.get("/api/datasets").json()["datasets"][0]["num_captioned"] == 1


def test_a_file_that_is_there_is_kept_when_it_is_not_to_be_replaced(client: TestClient) -> None:
    make_dataset(client, "a.png")
    address = "/api/datasets/cats/files/a.txt"
    assert client.put(address, content=b"first", headers={"If-None-Match": "*"}).status_code == 200
    kept = client.put(address, content=b"second", headers={"If-None-Match": "*"})
    assert (kept.status_code, "already there" in kept.json()["detail"]) == (412, True)
    assert client.get("/api/datasets/cats/pictures").json()["pictures"][0]["caption"] == "first"
    assert client.put(address, content=b"second").status_code == 200
    assert client.get("/api/datasets/cats/pictures").json()["pictures"][0]["caption"] == "second"


def test_videos_stand_among_the_pictures(client: TestClient, tmp_path: Path) -> None:
    make_dataset(client, "a.png", "c.png")
    address = "/api/datasets/cats/files/b.mp4"
    client.put(address, content=b"a video").raise_for_status()
    client.patch("/api/datasets/cats/captions", json={"captions": {"b.mp4": "a cat runs"}}).raise_for_status()

    (summary,) = client.get("/api/datasets").json()["datasets"]
    pictures = client.get("/api/datasets/cats/pictures").json()["pictures"]
    part = client.get(address, headers={"Range": "bytes=2-6"})

    assert (summary["num_pictures"], summary["num_videos"], summary["num_captioned"]) == (2, 1, 1)
    assert [(one["name"], one["caption"], one["is_video"]) for one in pictures][1] == ("b.mp4", "a cat runs", True)
    assert (part.status_code, part.content, part.headers["content-type"]) == (206, b"video", "video/mp4")
    assert "b.mp4 cannot be decoded" in client.get(address, params={"thumbnail": 32}).json()["detail"]
    write_video([Image.new("RGB", (64, 32))] * 3, tmp_path / "b.mp4", 8)
    client.put(address, content=(tmp_path / "b.mp4").read_bytes()).raise_for_status()
    assert client.get(address, params={"thumbnail": 32}).headers["content-type"] == "image/webp"
    client.delete(address).raise_for_status()
    assert [one["name"] for one in client.get("/api/datasets/cats/pictures").json()["pictures"]] == ["a.png", "c.png"]


@pytest.mark.parametrize("asked", ["files/a.png", "files/a.png?thumbnail=32", "files/b.png", "archive", "pictures"])
def test_head_answers_like_get_without_the_body(client: TestClient, asked: str) -> None:
    make_dataset(client, "a.png")
    address = f"/api/datasets/cats/{asked}"
    whole, head = client.get(address), client.head(address)
    assert head.content == b""
    assert (head.status_code, head.headers) == (whole.status_code, whole.headers)


def test_a_data_set_comes_as_one_zip(client: TestClient) -> None:
    make_dataset(client, "a.png", "b.png")
    client.put("/api/datasets/cats/files/a.txt", content=b"a blue square")

    answer = client.get("/api/datasets/cats/archive")

    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''cats.zip"
    with ZipFile(BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["cats/a.png", "cats/a.txt", "cats/b.png"]
        assert archive.read("cats/a.png") == png()
    assert client.get("/api/datasets/dogs/archive").status_code == 404


def test_a_picture_is_sent_again_only_when_it_has_changed(client: TestClient) -> None:
    make_dataset(client, "a.png")
    address = "/api/datasets/cats/files/a.png"
    for small in ({}, {"thumbnail": 32}):
        first = client.get(address, params=small)
        known = {"If-None-Match": first.headers["etag"]}
        again = client.get(address, params=small, headers=known)
        assert (again.status_code, again.content) == (304, b"")
        client.put(address, content=png(48, 16))
        assert client.get(address, params=small, headers=known).status_code == 200
        client.put(address, content=png())


def test_a_picture_may_be_larger_than_any_other_request(client: TestClient) -> None:
    make_dataset(client)
    large = png() + bytes(8 * 2**20)
    assert client.put("/api/datasets/cats/files/large.png", content=large).status_code == 200
    assert client.get("/api/datasets/cats/pictures").json()["pictures"][0]["size"] == len(large)
    refused = client.put("/api/datasets/cats/files/film.mp4", headers={"Content-Length": str(2**30)})
    assert refused.json()["detail"] == "The body is too large: at most 512 MiB are taken here."


def test_an_edit_is_previewed_written_and_undone(client: TestClient) -> None:
    make_dataset(client, "a.png", "b.png")
    address = "/api/datasets/cats/captions"
    client.patch(address, json={"captions": {"a.png": "cat"}})
    client.patch(address, json={"captions": {"b.png": "dog"}})

    def listed() -> tuple[list[str], bool]:
        page = client.get("/api/datasets/cats/pictures").json()
        return [picture["caption"] for picture in page["pictures"]], page["can_undo"]

    edit = {"find": "cat", "replace": "a cat"}
    changes = [{"name": "a.png", "before": "cat", "after": "a cat"}]
    assert client.post(f"{address}/preview", json=edit).json()["changes"] == changes
    assert listed() == (["cat", "dog"], False)
    assert client.post(f"{address}/edit", json=edit).json()["changes"] == changes
    assert client.post(f"{address}/edit", json=edit).json()["changes"] == []
    assert listed() == (["a cat", "dog"], True)
    assert client.post(f"{address}/undo").json() == {"restored": 1, "kept": []}
    assert listed() == (["cat", "dog"], False)
    assert client.post(f"{address}/undo").status_code == 404


def test_two_people_do_not_overwrite_each_others_captions(client: TestClient) -> None:
    make_dataset(client, "a.png", "b.png")
    address = "/api/datasets/cats/captions"
    pictures = client.get("/api/datasets/cats/pictures").json()["pictures"]
    seen = {"If-Match": ", ".join(f'"{picture["revision"]}"' for picture in pictures)}
    first = client.patch(address, json={"captions": {"a.png": "theirs"}}, headers=seen).json()
    refused = client.patch(address, json={"captions": {"a.png": "mine", "b.png": "new"}}, headers=seen)
    assert refused.status_code == 412
    assert refused.json()["captions"] == {"a.png": {"caption": "theirs", "revision": first["revisions"]["a.png"]}}
    assert "a.png was changed" in refused.json()["detail"]
    again = {"If-Match": f'"{first["revisions"]["a.png"]}"'}
    assert client.patch(address, json={"captions": {"a.png": "both"}}, headers=again).status_code == 200


def test_captions_are_converted_from_the_encoding_that_is_chosen(client: TestClient) -> None:
    make_dataset(client, "a.png")
    client.put("/api/datasets/cats/files/a.txt", content="红色".encode("gbk"))
    found = client.get("/api/datasets/cats/captions/encodings").json()
    assert found["files"] == ["a.txt"]
    assert client.post("/api/datasets/cats/captions/convert", json={"encoding": "latin"}).status_code == 400
    client.post("/api/datasets/cats/captions/convert", json={"encoding": "gb18030"}).raise_for_status()
    assert client.get("/api/datasets/cats/pictures").json()["pictures"][0]["caption"] == "红色"


def test_a_folder_of_any_name_is_reached_by_its_name_encoded(client: TestClient) -> None:
    name = "it's #1 & 50% [x] 🐈?"
    folder = client.app.state.workspace.datasets / name  # type: ignore[attr-defined]
    folder.mkdir()
    address = f"/api/datasets/{quote(name)}"
    client.put(f"{address}/files/{quote('🐈 50%.png')}", content=png()).raise_for_status()
    client.patch(f"{address}/captions", json={"captions": {"🐈 50%.png": "a cat"}}).raise_for_status()
    assert client.get("/api/datasets").json()["datasets"][0]["num_captioned"] == 1
    assert client.get(f"{address}/files/{quote('🐈 50%.png')}").content == png()
    assert client.get(f"{address}/statistics").json()["num_pictures"] == 1
    assert client.delete(address).status_code == 200
    assert "cannot hold a slash" in client.get("/api/datasets/a%2Fb/pictures").json()["detail"]


def test_a_data_set_that_runs_wait_for_is_deleted_only_by_force(client: TestClient) -> None:
    make_dataset(client, "a.png")
    client.patch("/api/queue", json={"paused": True}).raise_for_status()
    config = {"base_model_name": "tiny", "resolution": "64", "concepts": [{"path": "datasets/cats"}]}
    made = client.post("/api/runs", json={"name": "needs cats", "config_dict": config})
    assert made.is_success, made.text
    refused = client.delete("/api/datasets/cats")
    assert (refused.status_code, "needs cats" in refused.json()["detail"]) == (409, True)
    assert client.delete("/api/datasets/cats", params={"force": True}).is_success


def test_statistics_tell_sizes_and_leftovers(client: TestClient) -> None:
    make_dataset(client, "a.png", "b.png", "c.png")
    found = client.get(
        "/api/datasets/cats/statistics", params={"resolution": "64", "multiple": 8, "batch_size": 2}
    ).json()
    whole = {"cropped_percent": 0.0, "most_cropped_percent": 0.0}
    assert found["buckets"] == [{"width": 64, "height": 64, "count": 3, "left_over": 1, **whole}]
    assert found["uncaptioned"] == ["a.png", "b.png", "c.png"]


def test_what_does_not_exist_or_does_not_belong_is_refused(client: TestClient) -> None:
    make_dataset(client)
    assert client.get("/api/datasets/dogs/pictures").status_code == 404
    assert client.get("/api/datasets/cats/files/a.png").status_code == 404
    assert client.put("/api/datasets/cats/files/run.sh", content=b"#").status_code == 400
    assert client.put("/api/datasets/cats/files/..%2Fa.png", content=b"x").status_code in {400, 404}
    assert client.post("/api/datasets/cats/captions/preview", json={}).status_code == 400
    assert client.delete("/api/datasets/cats").json()["freed_bytes"] == 0


def test_a_concept_is_shown_as_training_sees_it(client: TestClient) -> None:
    make_dataset(client, "a.png", "b.png")
    config = {"resolution": "64", "concepts": [{"path": "datasets/cats"}]}

    found = client.post("/api/config/preview", params={"limit": 1, "variations": 2}, json=config).json()

    assert found["total"] == 2
    (picture,) = found["pictures"]
    assert (picture["name"], len(picture["variations"])) == ("a.png", 2)
    variation = picture["variations"][0]
    assert variation.pop("picture").startswith("data:image/webp;base64,")
    assert variation == {"mask": None, "width": 64, "height": 64}
    assert client.post("/api/config/preview", params={"concept": 1}, json=config).status_code == 404
