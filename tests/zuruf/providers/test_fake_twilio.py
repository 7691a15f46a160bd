"""The fake Twilio takes and refuses what the real one does, and lists what it took."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.channels.contract import load_answers
from tests.zuruf.providers.twilio_gateway import (
    MESSAGES,
    NORA,
    PROOF,
    TOM,
    Clock,
    Gateway,
    greeted,
    talking,
)
from zuruf.demo.providers.chats import Chat
from zuruf.demo.providers.faults import Answer, Fault
from zuruf.demo.providers.twilio import MESSAGING_SERVICE_SID, FakeTwilio

ANSWERS = load_answers("twilio_whatsapp")
SEND = frozenset({"send"})
ACCOUNT_URL = MESSAGES.removesuffix("/Messages")
DAY_S = 24 * 3600


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def gateway(clock: Clock) -> AsyncIterator[Gateway]:
    async with talking(clock) as opened:
        yield opened


@pytest.fixture
def twilio(gateway: Gateway) -> FakeTwilio:
    return gateway.provider


@pytest.fixture
async def nora(gateway: Gateway) -> Chat:
    return await greeted(gateway)


async def test_a_message_is_answered_as_recorded_and_shown(gateway: Gateway, nora: Chat) -> None:
    status, created = await gateway.send(Body="hi")
    recorded = ANSWERS["created"]
    assert status == recorded["status"]
    assert created == {**created, **recorded["body"], "sid": created["sid"], "uri": created["uri"]}
    assert created["uri"] == f"{MESSAGES}/{created['sid']}.json"
    assert nora.from_bot[0].text == "hi"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"Body": ""}, 400, 21619),
        ({"Body": " \n "}, 400, 21619),
        ({"Body": "x" * 1601}, 400, 21617),
        ({"To": "whatsapp:+1"}, 400, 21211),
        ({"To": NORA}, 400, 21211),
        ({"To": ""}, 400, 21211),
        ({"To": "whatsapp:+12025550199"}, 400, 63024),
        ({"From": "whatsapp:+12025550199"}, 400, 63007),
        ({"From": "", "MessagingServiceSid": "MG1"}, 400, 63007),
        ({"ContentSid": f"HX{1:032x}"}, 400, 21655),
        ({"MediaUrl": "https://example.org/x.pdf"}, 400, 21620),
        ({"MediaUrl": "http://[x"}, 400, 21620),
        ({"StatusCallback": "https://example.org/status"}, 400, 21609),
        ({"Body": "", "PersistentAction": "geo:here"}, 400, 63030),
    ],
)
async def test_what_twilio_refuses_is_refused_in_its_words(
    gateway: Gateway, nora: Chat, changes: dict[str, str], status: int, code: int
) -> None:
    told, body = await gateway.send(**{"Body": "hi", **changes})
    assert (told, body["status"], body["code"]) == (status, status, code)
    assert body["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert nora.from_bot == []
    if changes.get("To") != NORA and (recorded := ANSWERS.get(f"error_{code}")):
        assert body.keys() == recorded["body"].keys()
    if code in (21617, 21620, 21655):
        assert body == ANSWERS[f"error_{code}"]["body"]


async def test_the_longest_text_is_taken(gateway: Gateway, nora: Chat) -> None:
    assert (await gateway.send(Body="😀" * 1600))[0] == 201
    assert nora.from_bot[0].text == "😀" * 1600


@pytest.mark.parametrize("proof", ["", "Basic eDp5", "Bearer x", PROOF[:-4], "Basic ü"])
async def test_without_proof_nothing_is_answered(gateway: Gateway, nora: Chat, proof: str) -> None:
    session, url = gateway.session, gateway.provider.url
    for path in (f"{MESSAGES}.json", f"{ACCOUNT_URL}.json", "/v1/Content", "/v1/ContentAndApprovals", "/x"):
        for method in ("GET", "POST"):
            async with session.request(method, url + path, headers={"Authorization": proof}) as answer:
                assert (answer.status, await answer.json()) == (401, ANSWERS["error_20003"]["body"])


async def test_a_key_sends_but_does_not_see_the_account(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat
) -> None:
    twilio.add_key("SK" + "1" * 32, "secret")
    proof = {"Authorization": aiohttp.encode_basic_auth("SK" + "1" * 32, "secret")}
    statuses = []
    for path in (f"{MESSAGES}.json", f"{ACCOUNT_URL}.json", f"{ACCOUNT_URL}/Balance.json"):
        async with gateway.session.get(twilio.url + path, headers=proof) as answer:
            statuses.append(answer.status)
    assert statuses == [200, 401, 401]


async def test_the_account_tells_how_it_is(gateway: Gateway, twilio: FakeTwilio) -> None:
    twilio.balance, twilio.status = "1.50", "suspended"
    assert (await gateway.get(f"{ACCOUNT_URL}.json"))[1]["status"] == "suspended"
    assert (await gateway.get(f"{ACCOUNT_URL}/Balance.json"))[1]["balance"] == "1.50"
    assert (await gateway.get(f"{ACCOUNT_URL}/Calls.json"))[0] == 404


async def test_a_messaging_service_sends_as_its_sender(gateway: Gateway, nora: Chat) -> None:
    status, created = await gateway.send(Body="hi", From="", MessagingServiceSid=MESSAGING_SERVICE_SID)
    assert (status, created["from"]) == (201, "whatsapp:+12025550100")


async def test_too_many_messages_are_refused_without_saying_when_to_come_again(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat
) -> None:
    twilio.flood_limit.messages_per_s = 1
    assert (await gateway.send(Body="1", StatusCallback=""))[0] == 201
    async with gateway.session.post(
        f"{twilio.url}{MESSAGES}.json",
        data={"To": f"whatsapp:{NORA}", "From": twilio.sender, "Body": "2"},
        headers={"Authorization": PROOF},
    ) as answer:
        assert (answer.status, await answer.json()) == (429, ANSWERS["error_20429"]["body"])
        assert "Retry-After" not in answer.headers
    assert len(nora.from_bot) == 1
    assert twilio.rate_limited().status == 429


@pytest.mark.parametrize(("fault", "delivered"), [(Fault(loses_reply=True), 1), (Fault(cuts=True), 0)])
async def test_a_cut_connection_leaves_to_the_list_whether_the_message_was_taken(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat, fault: Fault, delivered: int
) -> None:
    twilio.faults.plan(fault)
    with pytest.raises(aiohttp.ClientConnectionError):
        await gateway.send(Body="hi", StatusCallback="")
    _, listed = await gateway.get(f"{MESSAGES}.json", To=f"whatsapp:{NORA}")
    assert [message["body"] for message in listed["messages"]] == ["hi"] * delivered
    assert len(nora.from_bot) == delivered


async def test_a_planned_answer_is_given_instead_and_nothing_is_sent(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat
) -> None:
    sample = ANSWERS["error_20500"]
    twilio.faults.plan(Fault(answer=Answer.from_sample(sample), methods=SEND))
    assert (await gateway.get(f"{ACCOUNT_URL}.json"))[0] == 200
    assert await gateway.send(Body="hi") == (500, sample["body"])
    assert (nora.from_bot, twilio.calls["send", 500]) == ([], 1)


async def test_the_list_can_be_asked_for_ends_and_days_and_has_pages(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat, clock: Clock
) -> None:
    clock.now_s += DAY_S  # 2026-09-22
    twilio.say(twilio.chat(TOM), "Moin")
    await gateway.send(to=TOM, Body="Guten Tag", StatusCallback="")
    for number in range(3):
        clock.now_s += 1
        twilio.say(nora, f"Frage {number}")

    async def bodies(**query: str) -> list[str]:
        _, page = await gateway.get(f"{MESSAGES}.json", **query)
        return [message["body"] for message in page["messages"]]

    asked = ["Frage 2", "Frage 1", "Frage 0"]
    assert await bodies() == [*asked, "Guten Tag", "Moin", "Hallo"]
    assert await bodies(To=f"whatsapp:{TOM}") == ["Guten Tag"]
    assert await bodies(To=twilio.sender, From=f"whatsapp:{NORA}") == [*asked, "Hallo"]
    assert await bodies(**{"To": twilio.sender, "DateSent>": "2026-09-22"}) == [*asked, "Moin"]
    assert await bodies(**{"DateSent<": "2026-09-21"}) == ["Hallo"]
    assert await bodies(DateSent="2026-09-21") == ["Hallo"]
    found: list[str] = []
    _, page = await gateway.get(f"{MESSAGES}.json", PageSize="2", To=twilio.sender)
    while True:
        found += [message["body"] for message in page["messages"]]
        if not page["next_page_uri"]:
            break
        _, page = await gateway.get(page["next_page_uri"])
    assert found == [*asked, "Moin", "Hallo"]


async def test_a_listed_message_tells_where_from_and_when(gateway: Gateway, nora: Chat) -> None:
    _, page = await gateway.get(f"{MESSAGES}.json")
    (listed,) = page["messages"]
    assert (listed["direction"], listed["status"], listed["from"], listed["to"]) == (
        "inbound",
        "received",
        f"whatsapp:{NORA}",
        "whatsapp:+12025550100",
    )
    assert listed["date_sent"] == ANSWERS["created"]["body"]["date_created"]
    assert (await gateway.get(f"{MESSAGES}/SM{99:032x}.json"))[0] == 404


async def test_typing_marks_what_was_read(gateway: Gateway, twilio: FakeTwilio, nora: Chat) -> None:
    second = twilio.say(nora, "Noch etwas")
    third = twilio.say(nora, "Und das")
    form = {"channel": "whatsapp", "messageId": f"SM{second.message_id:032x}"}
    await twilio.until(lambda: twilio.couriers.under_way == 0)
    with twilio.subscribe() as changes:
        assert (await gateway.post("/v2/Indicators/Typing.json", data=form))[1] == {"success": True}
        kinds = [(await anext(changes)).kind for _ in range(3)]
    assert kinds == ["message", "message", "typing"]
    assert [message.read for message in nora.transcript] == [True, True, False]
    assert not third.read
    assert (await gateway.post("/v2/Indicators/Typing.json", data={"messageId": "SM1"}))[0] == 404
