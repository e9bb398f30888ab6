"""Which addresses of a release are others now, and the release under those."""

from collections.abc import Iterable, Mapping

from pipeline.model.release import Release
from pipeline.model.resource import DesiredState, Resource
from pipeline.model.values import Expression, Reference
from pipeline.releasing.moving import collisions, moves_back, moves_of, readdressed, renamed

API = "apigateway.rest_api"


def api(name: str) -> Resource:
    return Resource(API, name, {"name": name})


def release(names: Iterable[str], formers: Mapping[str, tuple[str, ...]] | None = None) -> Release:
    return Release(
        number=7, service="shop", environment="dev", region="eu-west-1", account="123456789012", commit=None,
        created="2026-11-24T09:00:00Z", actor="ada", run="1", desired=tuple(map(api, names)),
        outputs={f"{API}/{name}": {"id": name.upper()} for name in names},
        apis={name: {"deployment": "d"} for name in names},
        formers=formers or {},
    )  # fmt: skip


def state(*names: str) -> DesiredState:
    return DesiredState(tuple(map(api, names)))


def test_a_chain_is_followed_to_what_the_release_knows() -> None:
    moved = {f"{API}/c": f"{API}/b", f"{API}/b": f"{API}/a"}
    assert moves_of(release("a"), state("c"), moved) == {f"{API}/a": f"{API}/c"}
    assert moves_of(release("b"), state("c"), moved) == {f"{API}/b": f"{API}/c"}
    assert moves_of(release("c"), state("c"), moved) == {}
    assert moves_of(release("x"), state("c"), moved) == {}
    assert moves_of(None, state("c"), moved) == {}


def test_what_is_declared_as_it_once_was_is_moved_back() -> None:
    now = release("b", {f"{API}/b": (f"{API}/a",)})
    assert moves_of(now, state("a"), {}) == {f"{API}/b": f"{API}/a"}
    assert moves_of(now, state("a", "b"), {}) == {}


def test_two_resources_cannot_become_one() -> None:
    moved = {f"{API}/b": f"{API}/a"}
    assert [d.message for d in collisions(release("ab"), state("b"), moved)] == [
        f"{API}/a cannot become {API}/b: release 7 has both, so they are two resources"
    ]
    assert list(collisions(release("a"), state("b"), moved)) == []


def test_everything_that_names_the_address_has_the_new_one() -> None:
    refers = Expression(("x", Reference(f"{API}/a", "id")))
    user = Resource("lambda.permission", "p", {"source": refers}, (f"{API}/a",))
    before = release("a")
    before = Release(**{**before.__dict__, "desired": (*before.desired, user)})
    after = readdressed(before, {f"{API}/a": f"{API}/b"})
    assert after.resources[f"{API}/b"].properties == {"name": "a"}
    assert after.resources["lambda.permission/p"].dependencies == (f"{API}/b",)
    assert after.outputs == {f"{API}/b": {"id": "A"}}
    assert after.apis == {"b": {"deployment": "d"}}
    assert after.formers == {f"{API}/b": (f"{API}/a",)}
    assert renamed(before, {f"{API}/a": f"{API}/b"}).resources[f"{API}/b"].properties == {"name": "b"}
    assert Release.from_json(after.to_json()).formers == after.formers


def test_former_addresses_add_up_and_never_name_the_present_one() -> None:
    once = readdressed(release("a"), {f"{API}/a": f"{API}/b"})
    twice = readdressed(once, {f"{API}/b": f"{API}/c"})
    assert twice.formers == {f"{API}/c": (f"{API}/b", f"{API}/a")}
    back = readdressed(twice, {f"{API}/c": f"{API}/a"})
    assert back.formers == {f"{API}/a": (f"{API}/c", f"{API}/b")}


def test_a_release_of_before_is_brought_back_where_its_resources_are_now() -> None:
    now = release("c", {f"{API}/c": (f"{API}/b", f"{API}/a")})
    assert moves_back(release("a"), now) == {f"{API}/a": f"{API}/c"}
    assert moves_back(release("b"), now) == {f"{API}/b": f"{API}/c"}
    assert moves_back(release("c"), now) == {}
    assert moves_back(release("a"), release("ac", {f"{API}/c": (f"{API}/a",)})) == {}
