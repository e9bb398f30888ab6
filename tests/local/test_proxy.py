"""Events for functions, what functions answer, and mapping templates."""

import base64
import json
from typing import Any

import pytest

from pipeline.local.plane.asgi import Request
from pipeline.local.plane.rest.model import Definition, Deployment, Resource, RestApi
from pipeline.local.plane.traffic.event import invoke_arguments, proxy_event
from pipeline.local.plane.traffic.exchange import Exchange, Served, access_line, served
from pipeline.local.plane.traffic.paths import Match, Target
from pipeline.local.plane.traffic.reply import Malformed, reply
from pipeline.local.plane.traffic.templates import Params, render
from pipeline.local.plane.traffic.velocity import TemplateError


def exchange(request: Request, *, binary: list[str] | None = None, canary: bool = False) -> Exchange:
    definition = Definition.empty()
    definition.binary_media_types = binary or []
    api = RestApi("abc", "123456789012", "eu-west-1", {"name": "orders"}, definition)
    resource = Resource("r1", "root", "{id}", "/orders/{id}")
    return Exchange(
        api=api,
        target=Target("abc", "dev", "/orders/a%20b"),
        served=Served(Deployment("d1", 0, None, definition), {"mode": "new"}, canary),
        request=request,
        match=Match(resource, {"id": "a b"}),
        method={"httpMethod": "GET"},
        request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        now=1795512600.25,
    )


def request(query: str = "", body: bytes = b"", **headers: str) -> Request:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Request("POST", "/ignored", query, (("host", "127.0.0.1:4000"), *named), body, "127.0.0.1")


def test_an_event_has_what_a_function_asks_for() -> None:
    event = proxy_event(exchange(request("a=1&a=2&b=", b'{"x": 1}', content_type="application/json", x_own="y")))
    assert event["resource"] == "/orders/{id}"
    assert event["path"] == "/orders/a b"
    assert event["pathParameters"] == {"id": "a b"}
    assert event["queryStringParameters"] == {"a": "2", "b": ""}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""]}
    assert event["stageVariables"] == {"mode": "new"}
    assert (event["body"], event["isBase64Encoded"]) == ('{"x": 1}', False)
    assert event["headers"]["Content-Type"] == "application/json"
    assert event["multiValueHeaders"]["X-Own"] == ["y"]
    assert event["headers"]["X-Forwarded-Port"] == "4000"
    context = event["requestContext"]
    assert context["requestTime"] == "24/Nov/2026:09:30:00 +0000"
    assert context["requestTimeEpoch"] == 1795512600250
    assert context["path"] == "/dev/orders/a b"
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["domainName"] == "abc.execute-api.eu-west-1.amazonaws.com"
    assert "isCanaryRequest" not in context
    json.dumps(event)


def test_what_is_empty_is_null() -> None:
    event = proxy_event(exchange(request()))
    assert event["queryStringParameters"] is event["multiValueQueryStringParameters"] is event["body"] is None


def test_a_canary_is_named() -> None:
    assert proxy_event(exchange(request(), canary=True))["requestContext"]["isCanaryRequest"] is True


@pytest.mark.parametrize(("binary", "kind", "encoded"), [
    (["image/png"], "image/png", True),
    (["image/*"], "image/png; q=1", True),
    (["*/*"], "text/plain", True),
    (["image/png"], "text/plain", False),
    ([], "image/png", False),
])  # fmt: skip
def test_bodies_of_binary_types_are_encoded(binary: list[str], kind: str, encoded: bool) -> None:
    event = proxy_event(exchange(request(body=b"\x89x", content_type=kind), binary=binary))
    assert event["isBase64Encoded"] is encoded
    if encoded:
        assert base64.b64decode(event["body"]) == b"\x89x"


def test_stage_variables_fill_the_address_of_an_integration() -> None:
    assert invoke_arguments("f:${stageVariables.alias}/x${stageVariables.no}", {"alias": "live"}) == "f:live/x"


def test_the_canary_takes_its_share_and_its_variables() -> None:
    definition = Definition.empty()
    api = RestApi("abc", "123456789012", "eu-west-1", {}, definition)
    api.deployments = {name: Deployment(name, 0, None, definition) for name in ("old", "new")}
    canary = {"deploymentId": "new", "percentTraffic": 25.0, "stageVariableOverrides": {"a": "2"}}
    stage = {"deploymentId": "old", "variables": {"a": "1", "b": "1"}, "canarySettings": canary}
    chosen = served(api, stage, lambda: 0.2499)
    assert (chosen.deployment.id, chosen.variables, chosen.canary) == ("new", {"a": "2", "b": "1"}, True)
    stable = served(api, stage, lambda: 0.25)
    assert (stable.deployment.id, stable.variables, stable.canary) == ("old", {"a": "1", "b": "1"}, False)
    assert served(api, {"deploymentId": "old"}, lambda: 0.0).canary is False


def test_an_access_log_line_shows_a_dash_for_what_is_not_known() -> None:
    line = access_line('{"id":"$context.requestId","ip":"$context.identity.sourceIp","x":"$context.authorizer.x"}', {
        "requestId": "1", "identity.sourceIp": "127.0.0.1",
    })  # fmt: skip
    assert line == '{"id":"1","ip":"127.0.0.1","x":"-"}'


def answered(
    document: Any, accept: str = "*/*", binary: list[str] | None = None
) -> tuple[int, dict[str, list[str]], bytes]:
    answer = reply(json.dumps(document).encode(), accept, binary or [])
    headers: dict[str, list[str]] = {}
    for name, value in answer.headers:
        headers.setdefault(name, []).append(value)
    return answer.status, headers, answer.body


def test_an_answer_becomes_a_response() -> None:
    document = {
        "statusCode": "201",
        "headers": {"A": 1, "B": True, "set-cookie": "x"},
        "multiValueHeaders": {"Set-Cookie": ["a", "b"]},
        "body": "é",
    }
    status, headers, body = answered(document)
    assert status == 201
    assert headers == {"A": ["1"], "B": ["true"], "Set-Cookie": ["a", "b"], "content-type": ["application/json"]}
    assert body == "é".encode()
    assert answered({}) == (200, {"content-type": ["application/json"]}, b"")


def test_a_binary_answer_is_decoded_for_those_who_accept_it() -> None:
    document = {"statusCode": 200, "isBase64Encoded": True, "body": base64.b64encode(b"\x89").decode()}
    assert answered(document, "image/png,*/*", ["image/png"])[2] == b"\x89"
    assert answered(document, "text/html", ["*/*"])[2] == b"\x89"
    assert answered(document, "text/html", ["image/png"])[2] == b"iQ=="


@pytest.mark.parametrize(
    "payload",
    [
        b"null",
        b'"text"',
        b"[]",
        b"{",
        b'{"statusCode": "many"}',
        b'{"statusCode": 99}',
        b'{"message": "no proxy answer"}',
        b'{"body": {"a": 1}}',
        b'{"headers": ["a"]}',
        b'{"headers": {"a": null}}',
        b'{"headers": {"a": "b\\nc"}}',
        b'{"multiValueHeaders": {"a": "b"}}',
    ],
)
def test_any_other_answer_is_malformed(payload: bytes) -> None:
    with pytest.raises(Malformed):
        reply(payload, "", [])


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain $10 #hash", "plain $10 #hash"),
        (
            '{"s":"$context.stage/x","v":"${stageVariables.mode}","n":"$stageVariables.none"}',
            '{"s":"dev/x","v":"new","n":""}',
        ),
        ("$context.identity.sourceIp", "127.0.0.1"),
        ("$input.params('id') $input.params('q') $input.params('X-Own')", "7 find me"),
        ("$input.json('$.items[1].name') $input.path('$.count')", '"b" 2'),
        ("#if($input.params('q') == \"find\")yes#{else}no#end", "yes"),
        ("#if($input.params('none') == '')empty#end", "empty"),
        ("#set($n = 1 + 2)\n#if($n >= 3 && !($n > 3))$n#elseif(true)x#end", "3"),
        ("#foreach($item in $input.path('$.items'))[$item.name]#end", "[a][b]"),
        ("#set($all = ['a', \"$context.stage\"])#if($all.contains('dev') || false)in#else out#end", "in"),
        ("$util.escapeJavaScript(\"a'b\") $util.base64Encode('x') $util.urlEncode('a b')", "a\\'b eA== a%20b"),
        ("## a comment\nkept #* and\nanother *#.", "kept ."),
    ],
)
def test_templates_are_filled_in(template: str, text: str) -> None:
    body = json.dumps({"items": [{"name": "a"}, {"name": "b"}], "count": 2})
    params = Params(path={"id": "7"}, querystring={"q": "find"}, header={"X-Own": "me"})
    context = {"stage": "dev", "identity.sourceIp": "127.0.0.1"}
    assert render(template, context=context, variables={"mode": "new"}, params=params, body=body).text == text


def test_a_template_may_override_status_and_headers() -> None:
    template = (
        "#set($context.responseOverride.status = 302)#set($context.responseOverride.header.Location = $context.path)"
    )
    rendered = render(template, context={"path": "/there"})
    assert (rendered.status, rendered.headers) == (302, {"Location": "/there"})


@pytest.mark.parametrize(
    "template",
    [
        "#if(true)",
        "#end",
        "#set(1 = 2)",
        "#set($a 1)",
        "#foreach($a of [])#end",
        "$x.f(",
        "#set($a = nothing)",
        "#set($a = 'x')$a.noSuchMethod()",
        "#set($a = 'x')#set($a.b = 1)",
        "#if(1 < 'x')#end",
    ],
)
def test_a_template_that_cannot_be_read_is_an_error(template: str) -> None:
    with pytest.raises(TemplateError):
        render(template, context={})
