import pytest

from pipeline.local.plane.rest.model import Resource
from pipeline.local.plane.traffic.paths import Target, match, method_for, target_of
from pipeline.local.urls import public_url

PATHS = (
    "/",
    "/orders",
    "/orders/{id}",
    "/orders/new",
    "/orders/{id}/lines",
    "/files/{proxy+}",
    "/{any+}",
    "/files/list",
)


def resources() -> list[Resource]:
    return [Resource(path, None if path == "/" else "root", "", path) for path in PATHS]


@pytest.mark.parametrize(
    ("path", "resource", "variables"),
    [
        ("/", "/", {}),
        ("/orders", "/orders", {}),
        ("/orders/", "/orders", {}),
        ("/orders/7", "/orders/{id}", {"id": "7"}),
        ("/orders/new", "/orders/new", {}),
        ("/orders/a%2Fb", "/orders/{id}", {"id": "a/b"}),
        ("/orders/%C3%A4", "/orders/{id}", {"id": "ä"}),
        ("/orders/7/lines", "/orders/{id}/lines", {"id": "7"}),
        ("/orders/7/other", "/{any+}", {"any": "orders/7/other"}),
        ("/files/a/b.txt", "/files/{proxy+}", {"proxy": "a/b.txt"}),
        ("/files/list", "/files/list", {}),
        ("/files", "/{any+}", {"any": "files"}),
    ],
)
def test_literal_parts_go_before_variables_and_these_before_greedy_ones(
    path: str, resource: str, variables: dict[str, str]
) -> None:
    found = match(resources(), path)
    assert found is not None
    assert (found.resource.path, found.variables) == (resource, variables)


def test_a_path_may_meet_nothing() -> None:
    assert match([Resource("x", None, "", "/orders")], "/other") is None
    assert match([Resource("x", None, "", "/orders/{id}")], "/orders") is None


def test_a_method_of_its_own_goes_before_any() -> None:
    both = Resource("x", None, "", "/", {"GET": {"httpMethod": "GET"}, "ANY": {"httpMethod": "ANY"}})
    assert method_for(both, "GET") == {"httpMethod": "GET"}
    assert method_for(both, "PUT") == {"httpMethod": "ANY"}
    assert method_for(Resource("x", None, "", "/"), "GET") is None


@pytest.mark.parametrize(
    ("host", "path", "target"),
    [
        ("127.0.0.1:80", "/_aws/execute-api/abc/dev/a%2Fb/c", Target("abc", "dev", "/a%2Fb/c")),
        ("127.0.0.1:80", "/_aws/execute-api/abc/dev", Target("abc", "dev", "/")),
        ("127.0.0.1:80", "/_aws/execute-api/abc", Target("abc", "", "/")),
        ("abc.execute-api.localhost:80", "/dev/x", Target("abc", "dev", "/x")),
        ("abc.execute-api.eu-west-1.amazonaws.com", "/dev/", Target("abc", "dev", "/")),
        ("127.0.0.1:80", "/restapis", None),
    ],
)
def test_an_address_names_api_and_stage(host: str, path: str, target: Target | None) -> None:
    assert target_of(host, path) == target


@pytest.mark.parametrize(
    ("aws", "here"),
    [
        ("https://abc.execute-api.eu-west-1.amazonaws.com/dev", "http://127.0.0.1:99/_aws/execute-api/abc/dev"),
        (
            "https://abc.execute-api.eu-west-1.amazonaws.com/dev/a?b=c",
            "http://127.0.0.1:99/_aws/execute-api/abc/dev/a?b=c",
        ),
        ("https://abc.execute-api.eu-west-1.amazonaws.com", "http://127.0.0.1:99/_aws/execute-api/abc"),
        ("https://abc.execute-api.cn-north-1.amazonaws.com.cn/dev", "http://127.0.0.1:99/_aws/execute-api/abc/dev"),
        ("wss://abc.execute-api.eu-west-1.amazonaws.com/dev", "ws://127.0.0.1:99/_aws/execute-api/abc/dev"),
        ("https://example.com/dev", "http://127.0.0.1:99/_aws/name/example.com/dev"),
        ("http://abc.execute-api.eu-west-1.amazonaws.com/dev",) * 2,
        ("https://abc123.lambda-url.eu-west-1.on.aws/", "http://127.0.0.1:99/_aws/lambda-url/abc123/"),
        ("https://abc123.lambda-url.eu-west-1.on.aws/a/b?c=d", "http://127.0.0.1:99/_aws/lambda-url/abc123/a/b?c=d"),
        ("https://orders.auth.eu-west-1.amazoncognito.com", "http://127.0.0.1:99"),
        ("https://orders.auth.eu-west-1.amazoncognito.com/login?a=b", "http://127.0.0.1:99/login?a=b"),
        ("https://abc.elb.eu-west-1.amazonaws.com/dev",) * 2,
    ],
)
def test_addresses_of_aws_are_translated_and_others_left(aws: str, here: str) -> None:
    assert public_url(aws, "http://127.0.0.1:99") == here
    assert public_url(aws, "http://127.0.0.1:99/") == here
