"""Each account is looked after: what the webhook missed is fetched, and trouble is told in time."""

from pathlib import Path

from bot.database import Database
from channels.channel import StoreEvents
from channels.errors import SendError, SendErrorKind
from channels.message import Gap
from tests.bot.scripted import ScriptedChannel, make_gateway, running, said, until


class AttentiveChannel(ScriptedChannel):
    """A provider that keeps what nobody fetched, and an account that runs dry."""

    gap: Gap | None = None
    warning = ""

    async def catch_up(self, store: StoreEvents) -> Gap | None:
        await store([said("anna", "während der Störung", "missed")])
        return self.gap

    async def account_warning(self) -> str:
        if self.warning == "down":
            raise SendError(SendErrorKind.RETRY_FEW, code="503")
        return self.warning


async def test_what_the_webhook_missed_is_answered_at_the_start(database: Database, tmp_path: Path) -> None:
    channel = AttentiveChannel()
    async with running(make_gateway(database, channel, tmp_path)):
        await until(lambda: "echo während der Störung" in channel.texts_to("anna"))


async def test_a_gap_and_an_account_that_runs_dry_are_told(database: Database, tmp_path: Path) -> None:
    channel = AttentiveChannel()
    channel.gap, channel.warning = Gap(1_790_000_000_000, 1_790_003_600_000), "12 credits left"
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        await until(lambda: len(gateway.troubles) == 2)
        assert gateway.troubles["channel test account"] == "12 credits left"
        assert "from 2026-09-21 14:13 UTC to 2026-09-21 15:13 UTC" in gateway.troubles["channel test gap"]


async def test_a_provider_that_does_not_answer_stops_nothing(database: Database, tmp_path: Path) -> None:
    channel = AttentiveChannel()
    channel.warning = "down"
    async with running(make_gateway(database, channel, tmp_path)) as gateway:
        await until(lambda: "echo während der Störung" in channel.texts_to("anna"))
        told = {"channel test account": "the provider cannot be asked: retry_few (503)"}
        await until(lambda: gateway.troubles == told)
