"""The fake Twilio signs its webhooks, and repeats them or gives them up by Twilio's rules."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from twilio.request_validator import RequestValidator

from tests.zuruf.providers.twilio_gateway import CUT, MESSAGES, SAMPLES, TOM, Gateway, heard, nora_at, talking
from zuruf.demo.providers.chats import Chat
from zuruf.demo.providers.twilio import FakeTwilio
from zuruf.demo.providers.twilio.webhooks import Retries

GENUINE = sorted(name for name, sample in SAMPLES.items() if sample["expect"]["auth"] == "ok")
SHARED_KEY = "test-twilio-sharedkey-secret-0000"


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with talking() as opened:
        yield opened


@pytest.fixture
def twilio(gateway: Gateway) -> FakeTwilio:
    return gateway.provider


@pytest.fixture
def nora(twilio: FakeTwilio) -> Chat:
    return nora_at(twilio)


@pytest.mark.parametrize("case", GENUINE)
async def test_a_recorded_form_is_signed_as_it_was_recorded(twilio: FakeTwilio, case: str) -> None:
    sample = SAMPLES[case]
    twilio.webhooks.shared_key = SHARED_KEY if "sharedkey" in case else ""
    signed = twilio.webhooks.signature(sample["signed_url"], dict(sample["form"]))
    assert signed["X-Twilio-Signature"] == sample["request"]["headers"]["X-Twilio-Signature"]


async def test_a_shared_key_signs_by_sha256(gateway: Gateway, twilio: FakeTwilio, nora: Chat) -> None:
    twilio.webhooks.shared_key = SHARED_KEY
    twilio.say(nora, "Hallo")
    await twilio.until(lambda: len(gateway.heard) == 1)
    told = gateway.heard[0]
    assert not told.is_genuine
    proof = told.headers["X-Twilio-Signature"]
    assert RequestValidator(SHARED_KEY).validate(told.url, told.form, proof, "HMAC_SHA256")
    assert told.headers["X-Twilio-Webhooks-Signature-Settings"].endswith("algorithm=HMAC_SHA256")


@pytest.mark.parametrize(
    ("retries", "answers", "tries", "is_taken"),
    [
        ("", [CUT], 2, True),
        ("", [CUT, CUT], 2, False),
        ("", [500], 1, False),
        ("#rp=5xx", [503], 2, True),
        ("#rp=5xx", [404], 1, False),
        ("#rc=3&rp=4xx,5xx", [404, 503, 500], 4, True),
        ("#rc=3&rp=4xx,5xx", [CUT], 1, False),
        ("#rc=0", [CUT], 1, False),
        ("#rc=3&rp=all", [CUT, 500, 404], 4, True),
    ],
)
async def test_a_webhook_is_repeated_as_its_address_asks_and_lost_afterwards(
    gateway: Gateway,
    twilio: FakeTwilio,
    nora: Chat,
    retries: str,
    answers: list[int],
    tries: int,
    is_taken: bool,
) -> None:
    twilio.webhooks.url += retries
    left = list(answers)
    gateway.answer = lambda told: left.pop(0) if left else 200
    said = twilio.say(nora, "Hört mich jemand?")
    await heard(gateway)
    assert (len(gateway.heard), said.accepted) == (tries, is_taken)
    assert len({told.headers["I-Twilio-Idempotency-Token"] for told in gateway.heard}) == 1
    assert not any("#" in told.url for told in gateway.heard)
    _, listed = await gateway.get(f"{MESSAGES}.json")
    assert [message["body"] for message in listed["messages"]] == ["Hört mich jemand?"]


def test_nobody_can_ask_for_more_than_five_repeats() -> None:
    assert Retries.of("http://127.0.0.1/x#rc=9&rp=ct,5xx") == Retries(5, frozenset({"ct", "5xx"}))


async def test_what_the_webhook_does_not_take_goes_to_the_fallback(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat
) -> None:
    twilio.webhooks.fallback_url = f"{gateway.url}/webhooks/fallback"
    gateway.answer = lambda told: 200 if told.url.endswith("/fallback") else 500
    said = twilio.say(nora, "Notfall")
    form = await heard(gateway)
    assert said.accepted
    assert (form["Body"], form["ErrorCode"]) == ("Notfall", "11200")
    assert form["ErrorUrl"] == f"{gateway.url}/webhooks/whatsapp"


async def test_a_repeat_holds_up_neither_its_own_chat_nor_another(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat
) -> None:
    tom, left = twilio.chat(TOM), [CUT]
    twilio.webhooks.url += "#rc=2"
    gateway.answer = lambda told: left.pop() if left and told.form["Body"] == "first" else 200
    for chat, text in ((nora, "first"), (nora, "second"), (tom, "elsewhere")):
        twilio.say(chat, text)
    await heard(gateway)
    assert sorted(gateway.said()) == ["elsewhere", "first", "first", "second"]
    assert next(text for text in gateway.said() if text != "elsewhere") == "first"
    assert all(message.accepted for message in nora.transcript)


async def test_a_redelivered_message_carries_the_same_sid(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat
) -> None:
    assert not twilio.redeliver_last(nora)
    twilio.say(nora, "once")
    assert twilio.redeliver_last(nora)
    await heard(gateway)
    assert gateway.heard[0].form == gateway.heard[1].form


async def test_a_provider_that_is_down_refuses_connections_and_holds_webhooks_back(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat
) -> None:
    await twilio.go_down()
    with pytest.raises(aiohttp.ClientConnectionError):
        await gateway.get(f"{MESSAGES}.json")
    said = twilio.say(nora, "Hallo")
    assert (gateway.heard, said.accepted) == ([], False)
    await twilio.come_up()
    await heard(gateway)
    assert said.accepted


async def test_without_an_address_a_message_is_only_in_the_list(
    gateway: Gateway, twilio: FakeTwilio, nora: Chat
) -> None:
    twilio.webhooks.url = ""
    said = twilio.say(nora, "Niemand da?")
    _, listed = await gateway.get(f"{MESSAGES}.json")
    assert (gateway.heard, said.accepted, len(listed["messages"])) == ([], False, 1)
