"""`zuruf check` names what is wrong, each with a cure."""

import asyncio
from pathlib import Path

import pytest

from bot.content_files import read_folder
from bot.content_import import import_content
from tests.zuruf.whole_app import write_config
from zuruf.app import App
from zuruf.check import Finding, check_everything, show
from zuruf.demo import SAMPLE_CONTENT
from zuruf.demo import run as demo
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.demo.providers.threema import FakeThreema
from zuruf.demo.providers.twilio import FakeTwilio
from zuruf.demo.run import Messengers, free_port
from zuruf.settings import Settings, load


def troubles(findings: list[Finding], what: str) -> list[Finding]:
    return [finding for finding in findings if finding.what == what and finding.cure]


def settings_for(folder: Path, provider: FakeTelegram, database: str = "", **changes: object) -> Settings:
    url = database or f"sqlite:///{folder}/zuruf.db"
    return load(write_config(folder, provider, url, "", **changes), {})


async def test_a_sound_installation_has_nothing_to_mend_but_its_loopback_address(
    tmp_path: Path, database_url: str
) -> None:
    more = '[organisation]\nname = "A"\nimprint = "A, B, C"\nprivacy_url = "https://example.org/p"\n'
    async with FakeTelegram() as provider:
        settings = load(write_config(tmp_path, provider, database_url, more), {})
        app = App(settings)
        await app.database.upgrade()
        await import_content(app.database, app.rules, read_folder(SAMPLE_CONTENT, app.rules.kinds), 1)
        await app.database.close()
        found = [finding for finding in await check_everything(settings) if finding.cure]
    assert [finding.cure.partition(":")[0] for finding in found] == ["providers call https only"]


async def test_missing_content_and_example_texts_are_named(tmp_path: Path, database_url: str) -> None:
    async with FakeTelegram() as provider:
        findings = await check_everything(settings_for(tmp_path, provider, database_url))
    assert "zuruf content import" in troubles(findings, "database")[0].cure
    assert troubles(findings, "setting organisation.name")


async def test_a_refused_token_is_named_without_telling_it(tmp_path: Path) -> None:
    async with FakeTelegram() as provider:
        token = "123456:not-the-token-of-this-bot"
        findings = await check_everything(settings_for(tmp_path, provider, token=token))
    trouble = troubles(findings, "channel telegram")[0]
    assert "refuses" in trouble.says
    assert "secrets" in trouble.cure
    assert token not in str(findings)


async def test_an_unreachable_provider_is_named(tmp_path: Path) -> None:
    async with FakeTelegram() as provider:
        settings = settings_for(tmp_path, provider, api_url=f"http://127.0.0.1:{free_port()}")
        findings = await check_everything(settings)
    trouble = troubles(findings, "channel telegram")[0]
    assert "cannot be reached" in trouble.says
    assert "api_url" in trouble.cure


def test_cures_are_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    address = "http://127.0.0.1:8080/" + "long" * 40
    show([Finding("channels", address, "add a [channels.NAME] table")])
    shown = capsys.readouterr().out
    assert "[channels.NAME]" in " ".join(shown.split())
    assert shown.count("long") + shown.count("lon\n") >= 20
    assert "…" not in shown


async def test_a_media_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    in_the_way = tmp_path / "media"
    await asyncio.to_thread(in_the_way.write_text, "a file, no folder")
    async with FakeTelegram() as provider:
        findings = await check_everything(settings_for(tmp_path, provider))
    assert "writable" in troubles(findings, "media folder")[0].cure


async def test_a_database_that_is_away_is_named_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql://zuruf:hidden-password@127.0.0.1:{free_port()}/zuruf"
    async with FakeTelegram() as provider:
        findings = await check_everything(settings_for(tmp_path, provider, url))
    assert "reachable" in troubles(findings, "database")[0].cure
    assert "hidden-password" not in str(findings)


async def test_whatsapp_and_threema_show_their_accounts_templates_and_what_runs_out(tmp_path: Path) -> None:
    async with FakeTwilio() as twilio, FakeThreema() as threema:
        twilio.approve("answer_waiting", "de", "Guten Tag {{1}}, Ihre Antwort liegt bereit.")
        threema.credits = 7
        messengers = Messengers(whatsapp=twilio, threema=threema)
        config = demo.write_config(tmp_path, messengers)
        findings = await check_everything(load(config, {}))
    names = ("channel whatsapp", "channel threema")
    said = {name: [one.says for one in findings if one.what == name] for name in names}
    assert any("account Demo, active" in line for line in said["channel whatsapp"])
    assert "approved templates: answer_waiting (de, utility, 1 variable)" in said["channel whatsapp"]
    assert any("end-to-end, 7 credits" in line for line in said["channel threema"])
    [warning] = [one for one in troubles(findings, "channel threema") if "left" in one.says]
    assert warning.says == "7 credits are left at Threema"
