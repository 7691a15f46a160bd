"""The `zuruf` command as an administrator runs it."""

import asyncio
import json
import os
import signal
import sys
from asyncio import create_subprocess_exec, subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from benchmarks.kills import ANSWER
from benchmarks.load import answering
from tests.zuruf.whole_app import write_config
from zuruf.demo.providers.chats import Chat
from zuruf.demo.providers.telegram import FakeTelegram
from zuruf.demo.run import free_port
from zuruf.settings import load

READY_S = 30
STOP_S = 30


@asynccontextmanager
async def serving(config: Path) -> AsyncIterator[subprocess.Process]:
    """`zuruf serve`, ready."""
    process = await start("serve", "--config", str(config))
    try:
        await answering(load(config, {}).server.listen.port, "/readyz", READY_S)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def start(*arguments: str) -> subprocess.Process:
    return await create_subprocess_exec(
        *(sys.executable, "-m", "zuruf", *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


async def run(*arguments: str, given: str = "") -> tuple[int | None, str, str]:
    """Exit code, standard output and standard error of a command."""
    process = await start(*arguments)
    out, err = await asyncio.wait_for(process.communicate(given.encode()), READY_S)
    return process.returncode, out.decode(), err.decode()


async def test_serve_names_all_problems_of_a_broken_configuration_and_ends_with_1(tmp_path: Path) -> None:
    broken = tmp_path / "config.toml"
    broken.write_text(
        '[server]\nlistn = "x"\n[faq]\nanswer_precision = "sure"\n[channels.t]\nkind = "pigeon"\n'
    )
    code, _, told = await run("serve", "--config", str(broken))
    told = " ".join(told.split())
    assert code == 1
    assert "Traceback" not in told
    for problem in ('did you mean "listen"?', "answer_precision", '"pigeon"'):
        assert problem in told, problem


async def test_a_second_gateway_on_the_same_file_is_refused(tmp_path: Path) -> None:
    async with FakeTelegram() as provider:
        first = write_config(tmp_path, provider, f"sqlite:///{tmp_path}/zuruf.db")
        async with serving(first):
            (tmp_path / "second").mkdir()
            second = write_config(tmp_path / "second", provider, f"sqlite:///{tmp_path}/zuruf.db")
            code, _, told = await run("serve", "--config", str(second))
    assert code == 1
    assert "another gateway" in told
    assert "Traceback" not in told


async def test_sigterm_under_load_ends_cleanly_with_nothing_unclear(
    tmp_path: Path, database_url: str
) -> None:
    async with FakeTelegram(time_scale=0.02) as provider:
        config = write_config(tmp_path, provider, database_url)
        chats = [provider.chat(1000 + number) for number in range(50)]
        for part in range(2):
            async with serving(config) as process:
                for number in range(10 + 5 * part, 15 + 5 * part):
                    for chat in chats:
                        provider.say(chat, str(number))
                await provider.until(lambda: any(answers(chat) for chat in chats))
                process.send_signal(signal.SIGTERM)
                _, told = await asyncio.wait_for(process.communicate(), STOP_S)
                assert process.returncode == 0, told
        async with serving(config) as process:
            await provider.until(lambda: all(len(answers(chat)) >= 10 for chat in chats), 30)
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.communicate(), STOP_S)
    for chat in chats:
        assert answers(chat) == list(range(10, 20)), "none lost, doubled or out of order"


def answers(chat: Chat) -> list[int]:
    """The numbers that the bot answered to."""
    return [int(found[1]) for message in chat.from_bot if (found := ANSWER.search(message.text))]


async def test_faq_ask_prints_one_decision_a_line(tmp_path: Path) -> None:
    knowledge = tmp_path / "knowledge.tsv"
    knowledge.write_text(
        "Wann werden meine Rüben abgeholt?\tlifting-date\nWann ist mein Abfuhrtermin?\tlifting-date\n"
        "Wie hoch ist der Rübenpreis?\tprice\nWo bestelle ich Schnitzel?\tpulp\n",
        "utf-8",
    )
    questions = "Wann ist mein Abfuhrtermin?\nqwertz\n"
    code, out, told = await run("faq", "ask", "--content", str(knowledge), given=questions)
    assert code == 0, told
    decisions = [json.loads(line) for line in out.splitlines()]
    assert [decision["question"] for decision in decisions] == questions.splitlines()
    assert {decision["decision"] for decision in decisions} <= {"answer", "clarify", "handoff"}
    assert decisions[0]["candidates"][0]["entry"] == "lifting-date"
    assert len(decisions[0]["candidates"]) >= 3
    assert all(0 <= each["confidence"] <= 1 for each in decisions[0]["candidates"])


async def test_check_ends_with_1_and_a_table_when_something_is_wrong(tmp_path: Path) -> None:
    async with FakeTelegram() as provider:
        config = write_config(tmp_path, provider, f"sqlite:///{tmp_path}/zuruf.db")
        code, out, told = await run("check", "--config", str(config))
    assert code == 1, told
    assert {"✓", "✗"} <= set(out)


async def test_what_stands_in_the_way_is_told_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_database = tmp_path / "notes.txt"
    no_database.write_text("no database at all, and long enough to look like one" * 100)
    async with FakeTelegram() as provider:
        taken = provider.url.removeprefix("http://")
        config = write_config(tmp_path, provider, f"sqlite:///{tmp_path}/zuruf.db")
        away = f"postgresql://zuruf@127.0.0.1:{free_port()}/zuruf"
        for variable, value, expected in (
            ("CONSOLE__LISTEN", taken, f"console.listen: {taken} cannot be opened: Address already in use"),
            ("STORAGE__MEDIA", str(no_database), f"{no_database}: File exists"),
            ("STORAGE__DATABASE", f"sqlite:///{no_database}", "file is not a database"),
            ("STORAGE__DATABASE", away, "[storage] database"),
        ):
            monkeypatch.setenv(f"ZURUF_{variable}", value)
            code, _, told = await run("serve", "--config", str(config))
            monkeypatch.delenv(f"ZURUF_{variable}")
            assert (code, "Traceback" in told) == (1, False), told
            assert expected in told


async def test_in_the_wrong_folder_a_configuration_is_missed_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (("serve",), ("check",), ("quarantine", "list"), ("content", "export", "out")):
        code, _, told = await run(*command)
        assert (code, "Traceback" in told) == (1, False), told
        assert "config.toml: there is no such file" in told
    assert os.listdir(tmp_path) == []


async def test_an_unknown_log_level_is_told_with_the_known_ones() -> None:
    code, _, told = await run("serve", "--log-level", "LOUD")
    assert code == 2
    assert "warning" in told


async def test_only_the_owner_can_read_what_people_wrote(tmp_path: Path) -> None:
    async with FakeTelegram() as provider:
        config = write_config(tmp_path, provider, f"sqlite:///{tmp_path}/data/zuruf.db")
        async with serving(config):
            made = [tmp_path / "media", *(tmp_path / "data").iterdir()]
    assert len(made) >= 4
    assert [path for path in made if path.exists() and path.stat().st_mode & 0o077] == []
