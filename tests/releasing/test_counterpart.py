"""Which release of a region belongs to one of the home region."""

from dataclasses import replace

from pipeline.model.release import Release
from pipeline.releasing.restoring import counterpart

BLANK = Release(1, "orders", "dev", "us-east-1", "123456789012", None, "", "", "")


def release(number: int, minute: int, commit: str | None = None, restores: int | None = None) -> Release:
    created = f"2026-11-24T09:{minute:02}:00Z"
    return replace(BLANK, number=number, created=created, commit=commit, restores=restores)


def test_it_is_of_the_same_commit_whatever_its_number() -> None:
    theirs = [release(1, 0, "a"), release(2, 10, "b"), release(3, 20, "c")]
    ours = [release(1, 11, "b"), release(2, 21, "c"), release(3, 30, "b", restores=1)]
    assert counterpart(theirs[1], theirs, ours) == ours[0]
    assert counterpart(theirs[2], theirs, ours) == ours[1]


def test_else_it_is_what_served_until_the_next_release_there() -> None:
    theirs = [release(1, 0), release(2, 10), release(3, 20)]
    ours = [release(1, 1), release(2, 21)]
    assert counterpart(theirs[1], theirs, ours) == ours[0], "the second had nothing to do here"
    assert counterpart(theirs[2], theirs, ours) == ours[1]
    assert counterpart(theirs[0], theirs, [replace(ours[0], destroyed=True)]) is None
    assert counterpart(theirs[0], theirs, [release(1, 15)]) is None, "it is from later"
