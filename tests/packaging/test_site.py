"""Which files of a folder are a site's."""

import hashlib
from pathlib import Path

import pytest

from pipeline.errors import BadInput, Diagnostic
from pipeline.packaging.site import SiteFiles, site_files

SOURCE = Diagnostic("", "pipeline.yaml", 9, address="s3.site/frontend")


def files(root: Path, *exclude: str) -> SiteFiles:
    return site_files(root, "web", exclude, SOURCE)


def write(root: Path, *paths: str) -> None:
    for path in paths:
        file = root / "web" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path, encoding="utf-8")


def test_every_file_by_its_content(tmp_path: Path) -> None:
    write(tmp_path, "index.html", "a/b.js")
    found = files(tmp_path)
    digest = hashlib.sha256(b"a/b.js").hexdigest()
    assert found.files["a/b.js"] == f"sha256:{digest}"
    assert found.etags["a/b.js"] == hashlib.md5(b"a/b.js").hexdigest()
    assert found.places[f"file:{digest}"] == tmp_path / "web" / "a" / "b.js"
    assert set(found.files) == {"index.html", "a/b.js"}


def test_what_is_not_for_visitors_stays(tmp_path: Path) -> None:
    write(
        tmp_path,
        "index.html",
        ".env",
        ".git/config",
        "a/.hidden/x",
        ".well-known/security.txt",
        "app.js.map",
        "config.json",
    )
    assert set(files(tmp_path, "*.map", "/config.json").files) == {"index.html", ".well-known/security.txt"}


def test_a_link_out_of_the_project_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "project"
    write(root, "index.html")
    (tmp_path / "secret").write_text("x", encoding="utf-8")
    (root / "web" / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(BadInput) as caught:
        files(root)
    assert "leaves the project" in caught.value.diagnostics[0].message


@pytest.mark.parametrize("made", [False, True])
def test_a_site_without_files_is_an_error_at_its_place(tmp_path: Path, made: bool) -> None:
    if made:
        (tmp_path / "web").mkdir()
    with pytest.raises(BadInput) as caught:
        files(tmp_path)
    (found,) = caught.value.diagnostics
    assert (found.file, found.line) == ("pipeline.yaml", 9)
    assert ("holds no file" if made else "there is no folder web") in found.message
