"""What every adapter must pass: subclass, name the samples, say how to make the channel.

`class TestMyChannel(ChannelContract)` with its class variables set inherits the tests below; what the samples
mean in detail belongs into tests of its own.
"""

import json
import traceback
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict
from pydantic import SecretStr, ValidationError

from channels.channel import Channel, ChannelPorts, WebhookRequest
from channels.errors import Unreadable, WebhookRejected
from channels.http import make_session
from channels.registry import CHANNEL_KINDS

FIXTURES = Path(__file__).parent / "fixtures"
DOCS = Path(__file__).parents[2] / "docs" / "channels"
Sample = dict[str, Any]
# These tests are run by one class for each kind of channel, which Hypothesis would rather not see.
INHERITED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.differing_executors]


class DictMemory:
    """A `ChannelMemory` that lasts as long as its test."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        """The value last put under `key`."""
        return self.values.get(key)

    async def put(self, key: str, value: str, *, ttl_s: float | None = None) -> None:
        """Keep `value`; nothing expires during a test."""
        self.values[key] = value


def load_samples(folder: str) -> dict[str, Sample]:
    """Every recorded request of one provider, by its case."""
    paths = sorted((FIXTURES / folder).glob("[!_]*.json"))
    return {path.stem: json.loads(path.read_text("utf-8")) for path in paths}


def load_answers(folder: str) -> dict[str, Sample]:
    """The provider's answers to our own calls, by name."""
    answers = json.loads((FIXTURES / folder / "_outbound_answers.json").read_text("utf-8"))["answers"]
    return {answer["name"]: answer for answer in answers}


def webhook_request(sample: Sample, **changes: Any) -> WebhookRequest:
    """A sample as the webhook door hands it over."""
    request = sample["request"] | changes
    url = urlsplit(request["url"])
    body = request["body"]
    return WebhookRequest(
        method=request["method"],
        raw_path=f"{url.path}?{url.query}" if url.query else url.path,
        headers=CIMultiDict(request["headers"]),
        body=body if isinstance(body, bytes) else body.encode(),
        query=dict(parse_qsl(url.query)),
    )


def make_channel(kind: str, config: Mapping[str, Any], http: aiohttp.ClientSession) -> Channel:
    """The adapter as the gateway makes it."""
    adapter = CHANNEL_KINDS[kind]
    ports = ChannelPorts("test", http, DictMemory(), "https://gw.example.org/webhooks/test")
    return adapter(adapter.Config.model_validate({"kind": kind, **config}), ports)


def reprs(thing: object, depth: int = 3) -> Iterator[str]:
    """How a thing and the objects it holds show themselves, where somebody logs one of them."""
    yield repr(thing)
    for held in vars(thing).values() if depth and hasattr(thing, "__dict__") else ():
        if not isinstance(held, str | bytes | SecretStr):
            yield from reprs(held, depth - 1)


class ChannelContract:
    """Inherit, and set the class variables."""

    kind: ClassVar[str]
    samples: ClassVar[Mapping[str, Sample]]
    config: ClassVar[Mapping[str, Any]]
    secrets: ClassVar[Mapping[str, str]]  # configuration key -> a secret that must never be shown
    without_authenticity: ClassVar[Mapping[str, Any]]  # a configuration whose webhooks could be forged
    secret_header: ClassVar[str]  # what carries the proof
    body_is_signed: ClassVar[bool]
    page: ClassVar[str] = ""  # the name of its document, where that is not the kind

    @staticmethod
    def meaning(body: bytes) -> object:
        """What of a body is signed; bodies of the same meaning are as good as each other."""
        return body

    def without_proof(self, sample: Sample) -> WebhookRequest:
        """The sample without what shows that it is genuine."""
        headers = {
            name: value
            for name, value in sample["request"]["headers"].items()
            if name.lower() != self.secret_header.lower()
        }
        return webhook_request(sample, headers=headers)

    def with_proof(self, sample: Sample, proof: str) -> WebhookRequest:
        """The sample with another proof."""
        return webhook_request(sample, headers=sample["request"]["headers"] | {self.secret_header: proof})

    @pytest.fixture
    async def channel(self) -> AsyncIterator[Channel]:
        """The channel, in a loop that is running."""
        async with make_session() as http:
            yield make_channel(self.kind, self.config, http)

    def _cases(self, *auth: str) -> list[Sample]:
        found = [sample for sample in self.samples.values() if sample["expect"]["auth"] in auth]
        assert found
        return found

    def test_every_genuine_sample_is_accepted(self, channel: Channel) -> None:
        """A refused webhook is repeated for hours, or lost."""
        for sample in self._cases("ok"):
            channel.verify(webhook_request(sample))

    def test_every_forged_or_unsigned_sample_is_refused(self, channel: Channel) -> None:
        """The door answers 403 to `WebhookRejected`."""
        for sample in self._cases("bad", "missing"):
            with pytest.raises(WebhookRejected):
                channel.verify(webhook_request(sample))

    def test_a_missing_proof_is_refused(self, channel: Channel) -> None:
        """Also where the rest of the request is genuine."""
        for sample in self._cases("ok"):
            with pytest.raises(WebhookRejected):
                channel.verify(self.without_proof(sample))

    @settings(max_examples=300, suppress_health_check=INHERITED)
    @given(proof=st.text(max_size=300))
    @example(proof="\udcff")  # how aiohttp hands over a byte that is not UTF-8
    def test_no_invented_proof_is_accepted_or_crashes(self, channel: Channel, proof: str) -> None:
        """Whatever the header holds, also what is not ASCII or not even a character."""
        sample = self._cases("ok")[0]
        if proof and proof in str(sample["request"]):
            return
        with pytest.raises(WebhookRejected):
            channel.verify(self.with_proof(sample, proof))

    @settings(max_examples=300, suppress_health_check=INHERITED)
    @given(data=st.data())
    async def test_a_changed_body_is_refused_or_read_but_never_crashes(
        self, channel: Channel, data: st.DataObject
    ) -> None:
        """Where the body is signed, `verify` notices; elsewhere `parse` copes."""
        sample = data.draw(st.sampled_from(self._cases("ok")))
        body = sample["request"]["body"].encode()
        at = data.draw(st.integers(0, len(body) - 1))
        put_in = data.draw(st.binary(max_size=4))
        changed = body[:at] + put_in + body[at + data.draw(st.integers(0, 4)) :]
        request = webhook_request(sample, body=changed)
        if self.body_is_signed and self.meaning(changed) != self.meaning(body):
            with pytest.raises(WebhookRejected):
                channel.verify(request)
            return
        try:
            await channel.parse(request)
        except Unreadable:
            return

    def test_a_channel_without_proof_of_origin_does_not_start(self) -> None:
        """An open webhook is a configuration error, found before anything listens."""
        config = {"kind": self.kind, **self.without_authenticity}
        with pytest.raises(ValidationError):
            CHANNEL_KINDS[self.kind].Config.model_validate(config)

    def test_every_key_is_documented(self) -> None:
        """For the administrator, in the channel's own page."""
        page = (DOCS / f"{self.page or self.kind}.md").read_text("utf-8")
        missing = [key for key in CHANNEL_KINDS[self.kind].Config.model_fields if f"`{key}`" not in page]
        assert not missing

    def test_secrets_are_not_shown(self, channel: Channel) -> None:
        """Neither in what is printed of the channel or its configuration, nor in what is wrong with it."""
        configuration = CHANNEL_KINDS[self.kind].Config.model_validate({"kind": self.kind, **self.config})
        shown = [str(channel), *reprs(channel), str(configuration), repr(configuration)]
        for key, secret in self.secrets.items():
            broken = {"kind": self.kind, **self.config, key: secret + " \u2028"}
            with pytest.raises(ValidationError) as found:
                CHANNEL_KINDS[self.kind].Config.model_validate(broken)
            shown.append("".join(traceback.format_exception(found.value)))
        for secret in self.secrets.values():
            assert not any(secret in text for text in shown)
