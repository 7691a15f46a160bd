import asyncio
import io
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot import redaction
from bot.logs import configure, register_secret
from bot.redaction import scrub
from channels.errors import SendError, SendErrorKind

WORDS = "Meine Rüben sind krank"
TOKEN = "987654321:" + "AbCdEfGhIjKlMnOpQrStUvWxYz012345678"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _logging_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    monkeypatch.setattr(redaction, "_secrets", type(redaction._secrets)())
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def lines() -> Lines:
    stream = io.StringIO()
    configure("DEBUG", json=True, stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_says_when_how_bad_where_and_what(lines: Lines) -> None:
    structlog.get_logger("bot.sender").info("sent", channel="telegram", conversation=17, parts=2)
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "sent",
        "level": "info",
        "logger": "bot.sender",
        "channel": "telegram",
        "conversation": 17,
        "parts": 2,
    }


@pytest.mark.parametrize(
    "key",
    [
        *(
            "text",
            "texts",
            "body",
            "message_text",
            "caption",
            "question",
            "name",
            "contact_name",
            "callerName",
        ),
        *("phone", "phone_number", "address", "to", "chat_id", "sender", "email"),
        *("token", "bot_token", "webhook_secret", "password", "Authorization", "api_key", "hash_key"),
    ],
)
def test_what_stands_under_a_telling_key_is_masked(key: str, lines: Lines) -> None:
    structlog.get_logger().info("event", **{key: WORDS}, deep={"down": [{key: WORDS}]})
    (line,) = lines()
    assert line[key] == "[hidden]"
    assert line["deep"] == {"down": [{key: "[hidden]"}]}


@pytest.mark.parametrize("key", ["phone", "chat_id", "to", "token", "sender"])
def test_numbers_that_reach_a_person_are_masked(key: str, lines: Lines) -> None:
    structlog.get_logger().info("event", **{key: 491701234567})
    assert lines()[0][key] == "[hidden]"


def test_counts_ids_and_times_are_kept(lines: Lines) -> None:
    kept = {"messages": 3, "text_bytes": 120, "conversation": 5, "at_ms": 1767225600000, "message_id": 8}
    structlog.get_logger().info("event", **kept, context="start", ready=True, why=None)
    assert lines()[0].items() >= {**kept, "context": "start", "ready": True, "why": None}.items()


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        (
            f"POST https://api.telegram.org/bot{TOKEN}/sendMessage",
            "POST https://api.telegram.org/bot[hidden]/sendMessage",
        ),
        ("postgresql://zuruf:geheim@db/zuruf", "postgresql://[hidden]@db/zuruf"),
        ("https://msgapi.threema.ch/credits?from=*A&secret=x", "https://msgapi.threema.ch/credits?[hidden]"),
        ("GET /webhooks/wechat?signature=ab&nonce=1 done", "GET /webhooks/wechat?[hidden] done"),
        ("GET /d/Ab-1_x", "GET /d/[hidden]"),
        ("GET /media/Ab.1_x 200", "GET /media/[hidden] 200"),
        ("Authorization: Basic QUM6c2VjcmV0", "Authorization: [hidden]"),
        ("authorization=bearer abcdef.ghi", "authorization=[hidden]"),
        ("from whatsapp:+491701234567", "from whatsapp:[hidden]"),
        ("call +49 170 1234-567 now", "call [hidden] now"),
        ("call +49 (0) 170/1234567", "call [hidden]"),
        ("call 0170 1234567 now", "call [hidden] now"),
        ("wa_id 491701234567", "wa_id [hidden]"),
        ("mail hans.huber@example.org", "mail [hidden]"),
    ],
)
def test_what_looks_like_a_secret_or_a_number_is_masked_in_any_text(text: str, scrubbed: str) -> None:
    assert scrub(text) == scrubbed


@pytest.mark.parametrize(
    "text",
    [
        "listening on 127.0.0.1:8080",
        "https://bot.example.org/webhooks/telegram",
        "2026-05-01 10:00:00 done",
        "took 0.0123456789 s",
        "SM0123456789abcdef0123456789abcdef",
        "really? yes",
        "retry 3 of 10",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert scrub(text) == text


def test_a_registered_secret_is_masked_wherever_it_turns_up(lines: Lines) -> None:
    register_secret("rüben+zucker")
    structlog.get_logger().info(
        "event rüben+zucker", why="in rüben+zucker and r%C3%BCben%2Bzucker", path=Path("/x/rüben+zucker")
    )
    (line,) = lines()
    assert line["event"] == "event [hidden]"
    assert line["why"] == "in [hidden] and [hidden]"
    assert line["path"] == "/x/[hidden]"


@given(st.lists(st.text(min_size=6, max_size=12), min_size=1, max_size=5), st.text(max_size=20))
def test_no_registered_secret_survives(secrets: list[str], around: str) -> None:
    for secret in secrets:
        register_secret(secret)
    scrubbed = scrub(around.join(["", *secrets, ""]))
    assert not [secret for secret in secrets if secret in scrubbed and secret not in "[hidden]"]


def test_a_short_secret_does_not_blot_out_ordinary_words() -> None:
    register_secret("")
    register_secret("a")
    assert scrub("a start") == "a start"


def test_objects_and_bytes_are_named_by_their_type(lines: Lines) -> None:
    @dataclass
    class Question:
        words: str

    structlog.get_logger().info("event", what=Question(WORDS), many=[Question(WORDS)], raw=WORDS.encode())
    assert lines()[0].items() >= {"what": "<Question>", "many": ["<Question>"], "raw": "<bytes>"}.items()


def test_an_error_is_logged_by_type_and_place_without_its_message(lines: Lines) -> None:
    try:
        try:
            int(WORDS)
        except ValueError as error:
            raise LookupError(WORDS) from error
    except LookupError:
        structlog.get_logger().exception("turn.crashed")
    (line,) = lines()
    assert line["error"] == "LookupError <- ValueError"
    assert line["at"][0].startswith("bot/test_logs.py:")
    assert line["at"][0].endswith(" test_an_error_is_logged_by_type_and_place_without_its_message")
    assert WORDS not in json.dumps(line, ensure_ascii=False)


def test_a_group_of_errors_names_its_members(lines: Lines) -> None:
    group = ExceptionGroup(WORDS, [KeyError(WORDS), OSError(28, WORDS)])
    structlog.get_logger().error("jobs.failed", exc_info=group, reason=KeyError(WORDS))
    (line,) = lines()
    assert line["error"] == "ExceptionGroup <- KeyError <- OSError(errno 28)"
    assert line["reason"] == "KeyError"


def test_a_send_error_keeps_its_kind_and_code(lines: Lines) -> None:
    structlog.get_logger().warning("send.failed", why=SendError(SendErrorKind.BLOCKED, code="403"))
    assert lines()[0]["why"] == "SendError(permanent_blocked (403))"


def test_other_libraries_keep_their_wording_and_lose_their_arguments(lines: Lines) -> None:
    logging.getLogger("some.library").warning("sent %s in %d tries, %r", WORDS, 3, {"text": WORDS})
    logging.getLogger("some.library").warning("about %(who)s", {"who": WORDS})
    logging.getLogger("some.library").warning("task failed\n%s", WORDS)
    assert [(line["logger"], line["event"], line["level"]) for line in lines()] == [
        ("some.library", "sent <str> in 3 tries, <dict>", "warning"),
        ("some.library", "about <str>", "warning"),
        ("some.library", "task failed", "warning"),
    ]


def test_other_libraries_are_heard_from_warning_on(lines: Lines) -> None:
    logging.getLogger("some.library").info(f"INSERT {WORDS}")
    assert lines() == []


async def test_a_task_that_nobody_awaited_does_not_quote_its_error(lines: Lines) -> None:
    asyncio.get_running_loop().call_exception_handler(
        {"message": "Task exception was never retrieved", "exception": ValueError(WORDS), "why": WORDS}
    )
    (line,) = lines()
    assert (line["event"], line["error"]) == ("Task exception was never retrieved", "ValueError")
    assert WORDS not in json.dumps(line, ensure_ascii=False)


def test_what_is_below_the_level_is_not_logged() -> None:
    stream = io.StringIO()
    configure("WARNING", json=True, stream=stream)
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]


def test_configuring_twice_does_not_double_the_lines_of_other_libraries() -> None:
    stream = io.StringIO()
    configure("INFO", json=True, stream=stream)
    configure("INFO", json=True, stream=stream)
    logging.getLogger("some.library").error("once")
    assert len(stream.getvalue().splitlines()) == 1


def test_lines_for_the_eye_are_redacted_too() -> None:
    stream = io.StringIO()
    configure("INFO", stream=stream)
    structlog.get_logger("bot.inbox").warning("stored", text=WORDS, channel="threema", link="/d/abc")
    shown = stream.getvalue()
    assert "stored" in shown
    assert "threema" in shown
    assert WORDS not in shown
    assert "abc" not in shown
