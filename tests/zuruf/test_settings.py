from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from channels.registry import CHANNEL_KINDS
from zuruf.settings import ConfigurationError, Listen, load

TOKEN = "123456789:AAF-a-token"
TELEGRAM = f"""
[channels.telegram]
kind = "telegram"
token = "{TOKEN}"
mode = "polling"
"""
DATABASE_REFUSED = (
    'is no database that Zuruf knows; write "sqlite:///data/zuruf.db" or '
    '"postgresql://user:password@host/database"'
)
WriteConfig = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> WriteConfig:
    def write_config(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text, "utf-8")
        return path

    return write_config


def problems(
    path: Path | None, environ: Mapping[str, str] | None = None
) -> list[tuple[int | None, str, str]]:
    """Line, key and message of everything that is wrong."""
    with pytest.raises(ConfigurationError) as refused:
        load(path, environ or {})
    return [(problem.line, problem.key, problem.message) for problem in refused.value.problems]


def only_problem(path: Path | None, environ: Mapping[str, str] | None = None) -> tuple[int | None, str, str]:
    (problem,) = problems(path, environ)
    return problem


def test_nothing_configured_gives_the_defaults() -> None:
    settings = load(None, {})
    assert settings.server.listen == Listen("127.0.0.1", 8080)
    assert settings.storage.database == "sqlite:///data/zuruf.db"
    assert settings.channels == {}
    assert settings.unused() == []


def test_a_file_is_read_with_its_channels_checked_by_their_adapters(write: WriteConfig) -> None:
    settings = load(write(TELEGRAM), {})
    assert type(settings.channels["telegram"]) is CHANNEL_KINDS["telegram"].Config


def test_the_environment_wins_over_the_file(write: WriteConfig) -> None:
    path = write('[organisation]\nname = "A"\nlanguages = ["de"]\n[faq]\nanswer_precision = 0.9\n' + TELEGRAM)
    environ = {
        "ZURUF_ORGANISATION__NAME": "B",
        "ZURUF_ORGANISATION__LANGUAGES": "de, en",
        "ZURUF_FAQ__ANSWER_PRECISION": "0.8",
        "ZURUF_CHANNELS__TELEGRAM__TOKEN": "1:other",
        "OTHER_FAQ__ANSWER_PRECISION": "0.7",
    }
    settings = load(path, environ)
    assert settings.organisation.name == "B"
    assert settings.organisation.languages == ("de", "en")
    assert settings.faq.answer_precision == 0.8
    assert "1:other" in settings.secrets()
    assert TOKEN not in settings.secrets()


def test_a_channel_can_come_from_the_environment_alone() -> None:
    environ = {
        "ZURUF_CHANNELS__FIELD_BOT__KIND": "telegram",
        "ZURUF_CHANNELS__FIELD_BOT__TOKEN": "123:456",
        "ZURUF_CHANNELS__FIELD_BOT__MODE": "polling",
    }
    assert list(load(None, environ).channels) == ["field-bot"]


def test_variables_that_a_cluster_sets_for_a_service_named_zuruf_are_no_settings() -> None:
    load(
        None,
        {"ZURUF_PORT": "tcp://10.0.0.1:80", "ZURUF_SERVICE_HOST": "10.0.0.1", "ZURUF_PORT_80_TCP_ADDR": "x"},
    )


def test_everything_wrong_is_told_at_once_with_line_key_and_cure(write: WriteConfig) -> None:
    path = write(
        '[organisation]\nnmae = "x"\n'
        '[server]\nlisten = "8080"\n'
        "[faq]\nanswer_precision = '''\nsure'''\n"
        '[channels.telegram]\nkind = "telegram"\ntokn = "geheim"\n'
        '[channels.fax]\nkind = "telgram"\n'
        "[handoff]\nhours = 7\n"
    )
    assert problems(path, {"ZURUF_STORAGE__DATABASE": "mysql://u:geheim@h/d"}) == [
        (
            None,
            "storage.database",
            DATABASE_REFUSED,
        ),
        (2, "organisation.nmae", 'is unknown; did you mean "name"?'),
        (4, "server.listen", 'must be "host:port", such as "127.0.0.1:8080" or "[::1]:8080"'),
        (6, "faq.answer_precision", "must be a number"),
        (
            8,
            "channels.telegram.token",
            "is missing; set it here, or in the environment as ZURUF_CHANNELS__TELEGRAM__TOKEN",
        ),
        (10, "channels.telegram.tokn", 'is unknown; did you mean "token"?'),
        (12, "channels.fax.kind", '"telgram" is unknown; did you mean "telegram"?'),
        (14, "handoff.hours", 'must be text in quotes, such as "..."'),
    ]


def test_the_message_names_file_and_line_or_the_variable(write: WriteConfig) -> None:
    path = write("\n[server]\nlisten = 1\n")
    with pytest.raises(ConfigurationError) as refused:
        load(path, {"ZURUF_CONSOLE__LISTEN": "x", "ZURUF_SERVRE__LISTEN": "127.0.0.1:80"})
    told = str(refused.value)
    assert f"{path}, line 3: server.listen: must be text" in told
    assert "ZURUF_CONSOLE__LISTEN: console.listen: must be" in told
    assert 'ZURUF_SERVRE__LISTEN: servre: is unknown; did you mean "server"?' in told


def test_a_secret_never_stands_in_a_message(write: WriteConfig) -> None:
    path = write(
        '[storage]\ndatabase = "postgresql://u:geheim@host"\n[privacy]\nhash_key = "geheim"\n'
        '[mail]\nsmtp_url = "http://u:geheim@h"\nfrom = "a@b.de"\n'
        '[channels.a]\nkind = "telegram"\ntoken = "geheim"\n'
    )
    with pytest.raises(ConfigurationError) as refused:
        load(path, {})
    assert len(refused.value.problems) == 4
    assert "geheim" not in str(refused.value)


def test_secrets_are_not_shown_but_can_be_registered_with_the_logs(write: WriteConfig) -> None:
    path = write('[storage]\ndatabase = "postgresql://u:geh%2Feim@host/zuruf"\n' + TELEGRAM)
    settings = load(path, {})
    assert "eim" not in repr(settings)
    assert TOKEN not in repr(settings)
    assert sorted(settings.secrets()) == [TOKEN, "geh/eim"]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[server\n", 1, "is not TOML"),
        ('[server]\nlisten = "a"\nlisten = "b"\n', 3, "each key only once"),
        ("a = ", None, "is not TOML"),
    ],
)
def test_what_is_not_toml_is_told_with_its_line(
    text: str, line: int | None, said: str, write: WriteConfig
) -> None:
    told_line, key, message = only_problem(write(text))
    assert told_line == line or line is None
    assert key == ""
    assert said in message


def test_a_missing_file_is_told_with_the_cure(tmp_path: Path) -> None:
    assert "copy config.example.toml" in only_problem(tmp_path / "config.toml")[2]


def test_a_folder_or_another_encoding_is_told(tmp_path: Path) -> None:
    assert "cannot be read" in only_problem(tmp_path)[2]
    (tmp_path / "latin.toml").write_bytes('[organisation]\nname = "Süd"\n'.encode("latin-1"))
    assert "is not UTF-8" in only_problem(tmp_path / "latin.toml")[2]


def test_a_byte_order_mark_and_windows_line_ends_are_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes('\ufeff[organisation]\r\nname = "A"\r\n[server]\r\nlisten = "x"\r\n'.encode())
    assert only_problem(path)[:2] == (4, "server.listen")


@pytest.mark.parametrize(
    ("toml", "key", "said"),
    [
        ('[server]\nlisten = ":8080"', "server.listen", "host:port"),
        ('[server]\nlisten = "localhost:99999"', "server.listen", "ports end at 65535"),
        ('[server]\npublic_url = "bot.example.org"', "server.public_url", "not a web address"),
        ('[server]\npublic_url = "ftp://bot.example.org"', "server.public_url", "not a web address"),
        ('[server]\npublic_url = "https://bot.example.org/"', "server.public_url", 'must not end with "/"'),
        ('[server]\npublic_url = "https://a.example/?b"', "server.public_url", 'must end before "?"'),
        ('[server]\npublic_url = "https://u:p@a.example"', "server.public_url", "user or password"),
        ('[console]\nlisten = "0.0.0.0:8080"', "console.listen", "choose another one"),
        ('[server]\nlisten = "127.0.0.1:8081"', "console.listen", "choose another one"),
        ('[storage]\ndatabase = "sqlite:///"', "storage.database", "must name a file"),
        ('[storage]\ndatabase = "sqlite:///:memory:"', "storage.database", "must name a file"),
        ('[storage]\ndatabase = "sqlite://zuruf.db"', "storage.database", "must name a file"),
        ('[storage]\ndatabase = "sqlite:///a.db?mode=ro"', "storage.database", "must name a file"),
        (
            '[storage]\ndatabase = "postgresql+asyncpg://h/z"',
            "storage.database",
            "no database that Zuruf knows",
        ),
        ('[storage]\ndatabase = "postgresql://host"', "storage.database", "does not name the database"),
        ('[storage]\ndatabase = "postgresql:///zuruf"', "storage.database", "does not name the host"),
        ('[storage]\ndatabase = "postgresql://u:1#b@h/z"', "storage.database", "written as %23"),
        ('[storage]\ndatabase = "postgresql://u:a/b@h/z"', "storage.database", "written as %2F"),
        ('[organisation]\ntimezone = "Europe/Berln"', "organisation.timezone", '"Europe/Berlin"'),
        ("[organisation]\nlanguages = []", "organisation.languages", "at least one language"),
        ('[organisation]\nlanguages = ["deutsch"]', "organisation.languages", '"deutsch"'),
        ('[organisation]\nlanguages = ["de", "de"]', "organisation.languages", "twice"),
        ('[organisation]\nname = ""', "organisation.name", "at least 1 character"),
        ('[handoff]\nhours = "Mo-Xy 07:00-17:00"', "handoff.hours", '"Mo-Xy" is not a day'),
        ("[faq]\nanswer_precision = 1.0", "faq.answer_precision", "less than 1"),
        ('[broadcasts]\nquiet_hours = "20-8"', "broadcasts.quiet_hours", '"20-8" is not a time range'),
        ("[broadcasts]\nlate_grace_minutes = 1.5", "broadcasts.late_grace_minutes", "whole number"),
        ("[privacy]\nkeep_media_days = 0", "privacy.keep_media_days", "greater than or equal to 1"),
        ('[privacy]\nhash_key = "short"', "privacy.hash_key", "openssl rand -hex 32"),
        ('[mail]\nfrom = "a@b.de"', "mail.smtp_url", "ZURUF_MAIL__SMTP_URL"),
        ('[mail]\nsmtp_url = "smtp://h"\nfrom = "nobody"', "mail.from", "not a mail address"),
        ('[servre.deep]\nlisten = "x"', "servre", 'did you mean "server"'),
        ('[sign_in]\nsaml = "x"', "sign_in.saml", "there are: oidc"),
        ("[prices]\nwhatsapp = 3", "prices.whatsapp", "must be a table"),
        ('server = "x"', "server", "must be a table"),
        ('channels = "x"', "channels", "must be a table"),
        ('[channels]\ntelegram = "x"', "channels.telegram", "must be a table"),
        ('[channels.telegram]\ntoken = "1:a"', "channels.telegram.kind", "is missing"),
        ("[channels.telegram]\nkind = 1", "channels.telegram.kind", "must be text in quotes"),
        ('[channels.a]\nkind = "pigeon"', "channels.a.kind", '"pigeon" is unknown; there are: '),
        (
            TELEGRAM.replace("channels.telegram", 'channels."Süd"'),
            "channels.Süd",
            "1 to 32 of the characters",
        ),
        (TELEGRAM.replace('"polling"', '"webhook"'), "channels.telegram", "webhook_secret is missing"),
    ],
)
def test_a_bad_value_is_refused_with_the_cure(toml: str, key: str, said: str, write: WriteConfig) -> None:
    line, told_key, message = only_problem(write(toml))
    assert line is not None or key == "console.listen"  # whose port is the default one here
    assert told_key == key
    assert said in message


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("sqlite:////srv/zuruf.db", "sqlite:////srv/zuruf.db"),
        ("postgres://u:p@host/zuruf", "postgresql://u:p@host/zuruf"),
        ("postgresql://u@/zuruf?host=/run/postgresql", "postgresql://u@/zuruf?host=/run/postgresql"),
    ],
)
def test_databases_that_can_be_opened_are_taken(given: str, kept: str) -> None:
    assert load(None, {"ZURUF_STORAGE__DATABASE": given}).storage.database == kept


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        ("192.0.2.1:80", Listen("192.0.2.1", 80)),
        ("[::1]:8080", Listen("::1", 8080)),
        ("localhost:0", Listen("localhost", 0)),
    ],
)
def test_addresses_to_listen_on(text: str, listen: Listen) -> None:
    assert Listen.parse(text) == listen
    assert str(listen) == text


def test_both_doors_may_ask_for_any_free_port() -> None:
    load(None, {"ZURUF_SERVER__LISTEN": "127.0.0.1:0", "ZURUF_CONSOLE__LISTEN": "127.0.0.1:0"})


def test_what_was_set_but_is_not_used_yet_is_named(write: WriteConfig) -> None:
    path = write(
        "[privacy]\nkeep_media_days = 5\n[broadcasts]\nquiet_hours = '20:00-08:00'\n"
        "[faq]\nanswer_precision = 0.9\n[prices.telegram]\nmarketing = 0.1\n"
        "[mail]\nsmtp_url = 'smtp://h'\nfrom = 'a@b.de'\n"
    )
    assert load(path, {}).unused() == [
        "broadcasts.quiet_hours",
        "mail.from",
        "mail.smtp_url",
        "prices.telegram",
        "privacy.keep_media_days",
    ]


def test_an_organisation_that_nobody_filled_in_is_noticed() -> None:
    environ = {"ZURUF_ORGANISATION__NAME": "Rübe eG"}
    assert load(None, environ).still_examples() == ["organisation.imprint", "organisation.privacy_url"]
