from pathlib import Path

import pytest

from pipeline.errors import BadInput
from pipeline.packaging.requirements import Requirements, logical_lines, normalised, read_requirements
from tests.packaging.support import write

HASH = "--hash=sha256:" + "0" * 64


def read(root: Path, text: str, **more: str) -> Requirements:
    write(root, {"backend/requirements.txt": text} | {name.replace("__", "/"): value for name, value in more.items()})
    return read_requirements(root, "backend/requirements.txt")


def refused(root: Path, text: str) -> list[str]:
    with pytest.raises(BadInput) as caught:
        read(root, text)
    return [str(found) for found in caught.value.diagnostics]


def test_comments_and_continuations_do_not_matter(tmp_path: Path) -> None:
    plain = read(tmp_path, f"pydantic==2.0 {HASH} {HASH}\n")
    written = read(tmp_path, f"# top\n\npydantic==2.0 \\\r\n    {HASH} \\\n    {HASH}  # why\n    # via nothing\n")
    assert plain.text == written.text
    assert written.locked


def test_a_hash_sign_inside_a_word_is_no_comment() -> None:
    assert list(logical_lines("a==1#b\nc # d\n")) == [(1, "a==1#b"), (2, "c")]


def test_lines_are_counted_where_a_requirement_begins() -> None:
    assert list(logical_lines("\n\na \\\n  b\n\nc\\\n")) == [(3, "a b"), (6, "c")]


def test_included_files_and_constraints_are_part_of_it(tmp_path: Path) -> None:
    write(tmp_path, {"backend/more/base.txt": "one\n-c ../limits.txt\n", "backend/limits.txt": "two<3\n"})
    requirements = read(
        tmp_path, "-r more/base.txt\n--requirement=more/base.txt\nthree[extra]>=1; python_version>'3'\n"
    )
    assert [line.name for line in requirements.packages] == ["one", "three"]
    assert requirements.text == "one\nthree[extra]>=1; python_version>'3'\n"
    assert requirements.constraints == "two<3\n"
    assert not requirements.locked


def test_a_file_that_includes_itself_is_read_once(tmp_path: Path) -> None:
    assert [line.name for line in read(tmp_path, "-r requirements.txt\none\n").packages] == ["one"]


def test_a_package_is_found_by_its_normalised_name(tmp_path: Path) -> None:
    place = read(tmp_path, "# x\nRuamel.Yaml>=1\n").place_of("ruamel_yaml")
    assert place is not None
    assert (place.file, place.line) == ("backend/requirements.txt", 2)
    assert normalised("A__b.-c") == "a-b-c"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("-e .", "editable"),
        ("--editable=../lib", "editable"),
        ("./local", "path or URL"),
        ("../wheels/a-1.0-py3-none-any.whl", "path or URL"),
        ("a-1.0.tar.gz", "path or URL"),
        ("/abs/a", "path or URL"),
        ("https://example.com/a.zip", "path or URL"),
        ("git+https://user:word@example.com/a.git", "path or URL"),
        ("a @ https://example.com/a-1.0-py3-none-any.whl", "path or URL"),
        ("a@file:///tmp/a", "path or URL"),
        ("--no-binary :all:", "cannot be used here"),
        ("--find-links ./wheels", "only a URL"),
        ("-r ../../outside.txt", "outside the project"),
        ("-r /etc/hostname", "outside the project"),
        ("-r https://example.com/r.txt", "only files of the project"),
        ("-r missing.txt", "does not exist"),
        ("a b", "cannot be read"),
        ("==1.0", "cannot be read"),
    ],
)
def test_what_cannot_be_locked_or_leaves_the_project_is_refused_with_its_line(
    tmp_path: Path, line: str, says: str
) -> None:
    (told,) = refused(tmp_path / "root", f"fine==1.0\n{line}\n")
    assert told.startswith("backend/requirements.txt:2: ")
    assert says in told
    assert "word" not in told


def test_all_findings_come_at_once(tmp_path: Path) -> None:
    assert len(refused(tmp_path, "-e .\n./a\n-r nowhere.txt\n")) == 3


def test_a_link_to_a_file_outside_is_outside(tmp_path: Path) -> None:
    write(tmp_path, {"outside.txt": "a\n", "root/backend/x": ""})
    (tmp_path / "root/backend/inside.txt").symlink_to("../../outside.txt")
    assert "outside the project" in refused(tmp_path / "root", "-r inside.txt\n")[0]


def test_half_a_lock_is_none(tmp_path: Path) -> None:
    (told,) = refused(tmp_path, f"one==1.0 {HASH}\n\ntwo==2.0\n")
    assert told.startswith("backend/requirements.txt:3: two has no --hash")


@pytest.mark.parametrize(
    "option",
    ["--index-url https://example.com/simple", "--extra-index-url=https://e.com", "--pre", "-i ${INDEX}", "--no-index"],
)
def test_options_about_the_index_are_passed_on(tmp_path: Path, option: str) -> None:
    assert option in read(tmp_path, f"{option}\none\n").text


def test_a_file_that_is_missing_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        read_requirements(tmp_path, "requirements.txt")
    assert "does not exist" in str(caught.value.diagnostics[0])
    write(tmp_path, {"requirements.txt": b"\xff\xfe"})
    with pytest.raises(BadInput) as caught:
        read_requirements(tmp_path, "requirements.txt")
    assert "cannot be read" in str(caught.value.diagnostics[0])


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    write(tmp_path, {"requirements.txt": b"\xef\xbb\xbfone\n"})
    assert [line.name for line in read_requirements(tmp_path, "requirements.txt").packages] == ["one"]
