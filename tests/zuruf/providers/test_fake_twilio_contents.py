"""The fake Twilio keeps Content objects within WhatsApp's limits, and fills them in as they are sent."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.zuruf.providers.twilio_gateway import PROOF, Gateway, nora_at, talking
from zuruf.demo.providers.chats import Chat

YES = {"title": "Ja", "id": "{{2}}"}
ROW = {"item": "Rüben", "id": "{{2}}", "description": "Alles über {{3}}"}


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with talking() as opened:
        yield opened


@pytest.fixture
async def nora(gateway: Gateway) -> Chat:
    """Somebody who has just written."""
    chat = nora_at(gateway.provider)
    gateway.provider.say(chat, "Hallo")
    return chat


async def send(gateway: Gateway, sid: str, values: Any = None) -> tuple[int, Any]:
    filled = json.dumps(values) if isinstance(values, dict) else values or ""
    status, body = await gateway.send(ContentSid=sid, ContentVariables=filled, StatusCallback="")
    return status, body.get("code")


def quick_reply(*actions: dict[str, str], body: str = "{{1}}") -> dict[str, Any]:
    return {"quick_reply": {"body": body, "actions": list(actions)}}


def list_picker(*items: dict[str, str], button: str = "Menü") -> dict[str, Any]:
    return {"list_picker": {"body": "{{1}}", "button": button, "items": list(items)}}


async def test_buttons_and_lists_are_filled_in_with_every_message(gateway: Gateway, nora: Chat) -> None:
    _, buttons = await gateway.create(**quick_reply(YES))
    _, picker = await gateway.create(**list_picker(ROW))
    await send(gateway, buttons["sid"], {"1": "Kommen Sie?", "2": "yes"})
    await send(gateway, buttons["sid"], {"1": "Und Tom?", "2": "tom"})
    await send(gateway, picker["sid"], {"1": "Worum geht es?", "2": "beets", "3": "Anbau"})
    first, second, third = nora.from_bot
    assert (first.text, first.keyboard) == ("Kommen Sie?", [[{"text": "Ja", "callback_data": "yes"}]])
    assert (second.text, second.keyboard) == ("Und Tom?", [[{"text": "Ja", "callback_data": "tom"}]])
    assert (third.text, third.keyboard) == ("Worum geht es?", [])
    rows = [{"id": "beets", "title": "Rüben", "description": "Alles über Anbau"}]
    assert third.picker == {"button": "Menü", "rows": rows}


@pytest.mark.parametrize(
    "types",
    [
        {},
        quick_reply(),
        quick_reply(*[YES] * 4),
        quick_reply({"title": "x" * 21, "id": "1"}),
        quick_reply({"title": "", "id": "1"}),
        quick_reply({"title": "Ja", "id": "x" * 201}),
        quick_reply({"title": "Ja"}),
        quick_reply(YES, body="x" * 1025),
        list_picker(),
        list_picker(*[ROW] * 11),
        list_picker({"item": "x" * 25, "id": "1"}),
        list_picker({"item": "x", "id": "1", "description": "x" * 73}),
        list_picker(ROW, button=""),
        list_picker(ROW, button="x" * 21),
    ],
)
async def test_an_object_over_the_limits_is_not_made(gateway: Gateway, types: dict[str, Any]) -> None:
    status, _ = await gateway.create(**types)
    assert (status, len(gateway.provider.contents)) == (400, 0)


async def test_an_object_at_the_limits_is_made(gateway: Gateway, nora: Chat) -> None:
    actions = [{"title": f"{number}" * 20, "id": f"{number}" * 200} for number in range(3)]
    items = [{"item": f"{n}" * 24, "id": f"{n}" * 200, "description": "x" * 72} for n in range(10)]
    for types in (quick_reply(*actions), list_picker(*items, button="x" * 20)):
        _, created = await gateway.create(**types)
        assert (await send(gateway, created["sid"], {"1": "x" * 1024}))[0] == 201
    assert [len(message.text) for message in nora.from_bot] == [1024, 1024]


@pytest.mark.parametrize(
    "values",
    [
        "no JSON",
        "[]",
        {"1": 7, "2": "a"},
        {"1": "x" * 1025, "2": "a"},
        {"1": " ", "2": "a"},
        {"1": "zwei\nZeilen", "2": "a"},
        {"1": "ein\tTabulator", "2": "a"},
        {"1": "fünf     Leerzeichen", "2": "a"},
        {"1": "x", "2": ""},
        {"1": "x", "2": "x" * 201},
        {"1": "x", "2": "b"},
    ],
)
async def test_variables_that_do_not_fill_an_object_are_refused(
    gateway: Gateway, nora: Chat, values: Any
) -> None:
    _, created = await gateway.create(**quick_reply(YES, {"title": "Nein", "id": "b"}))
    assert await send(gateway, created["sid"], values) == (400, 21656)
    assert nora.from_bot == []


async def test_a_deleted_object_cannot_be_sent_and_its_sid_is_never_given_again(
    gateway: Gateway, nora: Chat
) -> None:
    (_, first), (_, second) = [await gateway.create(**quick_reply(YES)) for _ in range(2)]
    path = f"/v1/Content/{first['sid']}"
    assert (await gateway.get(path))[1] == first
    gateway.provider.contents.delete(first["sid"])
    assert (await gateway.get(path))[0] == 404
    _, third = await gateway.create(**quick_reply(YES))
    assert len({first["sid"], second["sid"], third["sid"]}) == 3
    assert await send(gateway, first["sid"], {"1": "x", "2": "a"}) == (400, 21655)
    assert (await send(gateway, second["sid"], {"1": "x", "2": "a"}))[0] == 201


async def test_objects_are_deleted_by_a_call(gateway: Gateway) -> None:
    _, created = await gateway.create(**quick_reply(YES))
    url = f"{gateway.provider.url}/v1/Content/{created['sid']}"
    statuses = []
    for _ in range(2):
        async with gateway.session.delete(url, headers={"Authorization": PROOF}) as answer:
            statuses.append(answer.status)
    assert statuses == [204, 404]


async def test_what_is_no_json_is_refused(gateway: Gateway) -> None:
    assert (await gateway.post("/v1/Content", data=b"{"))[0] == 400
    assert (await gateway.post("/v1/Content", data=b"[]"))[0] == 400


async def test_templates_are_listed_page_by_page_with_what_whatsapp_says_of_them(gateway: Gateway) -> None:
    await gateway.create(**quick_reply(YES))
    for number in range(4):
        gateway.provider.approve(f"letter_{number}", "de", "Guten Tag {{name}}: {{1}}", "MARKETING")
    found: list[Any] = []
    _, page = await gateway.get("/v1/ContentAndApprovals", PageSize="2")
    while True:
        found += page["contents"]
        following = page["meta"]["next_page_url"]
        if not following:
            break
        _, page = await gateway.get(following.removeprefix(gateway.provider.url))
    assert [one["approval_requests"]["status"] for one in found] == ["unsubmitted", *["approved"] * 4]
    last = found[-1]
    assert (last["friendly_name"], last["approval_requests"]["category"]) == ("letter_3", "MARKETING")
    assert last["variables"].keys() == {"name", "1"}
    assert (await gateway.get("/v1/Content"))[1]["contents"][0].keys() == last.keys() - {"approval_requests"}


async def test_a_template_shows_its_samples_where_a_variable_is_not_given(
    gateway: Gateway, nora: Chat
) -> None:
    template = gateway.provider.approve("letter", "de", "Guten Tag {{1}}, {{2}}!")
    await send(gateway, template.sid, {"1": "Nora"})
    assert nora.from_bot[0].text == "Guten Tag Nora, ...!"
