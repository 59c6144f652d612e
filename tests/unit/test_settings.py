"""Settings: what wins, what is refused and how it is said, and that the sample file shows exactly what there is."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from dispatcher.domain.errors import Problem, SettingsError
from dispatcher.resources import resource
from dispatcher.settings import Settings, database_url, load, read_secret, shown
from dispatcher.settings.load import known_keys
from dispatcher.settings.sources import flatten, shape

SAMPLE = resource("config/dispatcher.toml")
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a settings file at config/dispatcher.toml of an own project folder."""

    def written(text: str) -> Path:
        file = tmp_path / "config" / "dispatcher.toml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return file

    return written


def secret(path: Path, text: str = "open sesame\n", mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def problems(path: Path | None, **given: dict[str, str]) -> dict[str, Problem]:
    with pytest.raises(SettingsError) as caught:
        load(path, given.get("env", {}), given.get("overrides"))
    return {problem.code: problem for problem in caught.value.problems}


def uncommented() -> dict[str, object]:
    return tomllib.loads(re.sub(r"^#(?=[a-z\[])", "", SAMPLE.read_text(), flags=re.MULTILINE))


def test_the_sample_file_shows_every_key_of_the_model_and_no_other() -> None:
    shown_keys = {shape(key) for key, value in flatten(uncommented()) if value != []}
    assert shown_keys == {key for key, is_value in known_keys(Settings).items() if is_value}


def test_the_sample_file_shows_the_defaults(write: Write) -> None:
    plain = load(write(""), {})
    text = re.sub(r"^#(?=[a-z\[])", "", SAMPLE.read_text(), flags=re.MULTILINE)
    # The one default that is no fixed text: the shipped templates, wherever the program is installed.
    text = text.replace('folder = "templates"', f'folder = "{resource("templates")}"')
    full = load(write(text), {})
    assert [relay.model_dump() for relay in full.mail.relays] == [type(full.mail.relays[0])().model_dump()]
    without_relays = full.mail.model_copy(update={"relays": ()})
    assert [tariff.model_dump() for tariff in full.fax.tariffs] == [type(full.fax.tariffs[0])().model_dump()]
    assert [way.model_dump() for way in full.fax.ways] == [type(full.fax.ways[0])().model_dump()]
    without_tariffs = full.fax.model_copy(update={"tariffs": (), "ways": ()})
    without_exceptions = full.limits.model_copy(update={"exceptions": ()})
    lists = {"mail": without_relays, "fax": without_tariffs, "limits": without_exceptions}
    assert full.model_copy(update=lists).model_dump() == plain.model_dump()


def test_every_key_in_the_sample_file_has_words_before_it() -> None:
    blocks = SAMPLE.read_text().split("\n\n")
    assert all(block.startswith("# ") for block in blocks)


def test_the_shipped_file_loads_and_changes_nothing() -> None:
    assert load(SAMPLE, {}).origins == {}


def test_the_command_line_beats_the_environment_which_beats_the_file(write: Write) -> None:
    file = write("[worker]\nbatch = 1\nconcurrency = 2\nlease_seconds = 30\n")
    env = {"DISPATCHER__WORKER__BATCH": "11", "DISPATCHER__WORKER__CONCURRENCY": "12"}
    made = load(file, env, {"worker.batch": 21})
    assert (made.worker.batch, made.worker.concurrency, made.worker.lease_seconds) == (21, 12, 30)
    assert made.worker.tick_seconds == 2


def test_a_secret_file_beats_the_settings_file_and_loses_to_the_environment(write: Write, tmp_path: Path) -> None:
    for name in ("mine", "theirs", "fax.simulator.secret"):
        secret(tmp_path / name)
    file = write('[fax.simulator]\nsecret_file = "mine"\n')
    env = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert load(file, env).fax.simulator.secret_file == tmp_path / "fax.simulator.secret"
    env["DISPATCHER__FAX__SIMULATOR__SECRET_FILE"] = "theirs"
    assert load(file, env).fax.simulator.secret_file == tmp_path / "theirs"


def test_foreign_files_among_the_secrets_are_nobodys_mistake(write: Write, tmp_path: Path) -> None:
    secret(tmp_path / "another-program.key")
    assert load(write(""), {"CREDENTIALS_DIRECTORY": str(tmp_path)}).origins == {}


def test_each_value_knows_where_it_came_from(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(
        '# first\n[office]\n\ntimezone = "UTC"\n[[mail.relays]]\n[[mail.relays]]\nname = "second"\nport = 26\n'
    )
    monkeypatch.chdir(file.parent.parent)
    made = load(None, {"DISPATCHER__WORKER__BATCH": "3"}, {"callbacks": {"port": 1024}, "mail.relays.0.name": "first"})
    rows = {row.key: row.origin for row in shown(made)}
    assert rows["office.timezone"] == "config/dispatcher.toml:4"
    assert rows["mail.relays.1.port"] == "config/dispatcher.toml:8"
    assert rows["mail.relays.0.name"] == "command line"
    assert rows["worker.batch"] == "environment DISPATCHER__WORKER__BATCH"
    assert rows["callbacks.port"] == "command line"
    assert rows["worker.concurrency"] == "default"


def test_the_environment_reaches_into_a_list_and_can_replace_it_whole(write: Write) -> None:
    file = write('[[mail.relays]]\nname = "a"\nport = 1\n[[mail.relays]]\nname = "b"\n')
    one = load(file, {"DISPATCHER__MAIL__RELAYS__1__PORT": "2525"})
    assert [(relay.name, relay.port) for relay in one.mail.relays] == [("a", 1), ("b", 2525)]
    assert load(file, {"DISPATCHER__MAIL__RELAYS": "[]"}).mail.relays == ()
    whole = load(file, {"DISPATCHER__MAIL__RELAYS": '[{name = "c"}, {name = "d", port = 9}]'})
    assert [(relay.name, relay.port) for relay in whole.mail.relays] == [("c", 25), ("d", 9)]


def test_numbers_in_a_list_come_from_the_environment_as_in_toml(write: Write) -> None:
    made = load(write("[retries]\nfax = [1]\n"), {"DISPATCHER__RETRIES__FAX": "[2, 3.5]"})
    assert made.retries.fax == (2, 3.5)


def test_relative_paths_start_at_the_folder_above_config(write: Write, tmp_path: Path) -> None:
    made = load(write('[office]\nfolder = "data"\n'), {}, {"contacts.folder": "elsewhere"})
    assert made.base == tmp_path
    assert made.office.folder == tmp_path / "data"
    assert made.contacts.folder == tmp_path / "elsewhere"


def test_relative_paths_start_at_the_files_own_folder_when_that_is_not_config(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("")
    assert load(file, {}).office.folder == tmp_path / "var"


def test_without_a_file_the_current_folder_is_the_project_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(env={}).office.folder == tmp_path / "var"


def test_the_file_can_be_named_by_the_environment(tmp_path: Path) -> None:
    (tmp_path / "named.toml").write_text("[worker]\nbatch = 7\n")
    assert load(env={"DISPATCHER_CONFIG": str(tmp_path / "named.toml")}).worker.batch == 7


def test_what_is_not_set_follows_the_data_folder_and_the_domain(write: Write, tmp_path: Path) -> None:
    made = load(write('[office]\nfolder = "d"\norganisation_domain = "Office.Example"\n'), {})
    assert made.database.url == f"sqlite+aiosqlite:///{tmp_path}/d/dispatcher.db"
    assert made.archive.folder == tmp_path / "d" / "archive"
    assert made.secrets.token_key_file == tmp_path / "d" / "token.key"
    assert made.mail.return_path_domain == "office.example"
    assert made.templates.folder == resource("templates")


def test_every_problem_is_told_at_once_with_its_line(write: Write) -> None:
    text = """\
[office]
timezon = "UTC"
timezone = "Mars/Base"
organisation_domain = "not a domain"
[mail]
password = "hunter2"
[[mail.relays]]
host = "relay.example"
[worker]
batch = "many"
[fax.mailfax]
enabled = true
pattern = "{digits}@{domain}"
"""
    found = problems(write(text), env={"DISPATCHER__FAX": "3", "DISPATCHER__WORKER__BATHC": "4"})
    places = {code: problem.place.rpartition("config/")[2] for code, problem in found.items()}
    assert places == {
        "E_SETTING_UNKNOWN": "environment DISPATCHER__WORKER__BATHC",
        "E_SECRET_INLINE": "dispatcher.toml:6",
        "E_SETTING_SECTION": "environment DISPATCHER__FAX",
        "E_ZONE": "dispatcher.toml:3",
        "E_DOMAIN": "dispatcher.toml:4",
        "E_RELAY_PLAIN": "dispatcher.toml:8",
        "E_SETTING_VALUE": "dispatcher.toml:10",
        "E_FAX_DOMAIN": "dispatcher.toml:12",
    }
    assert all(problem.cause and problem.way_out for problem in found.values())


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("[office]\ntimezon = 'UTC'", "office.timezone"),
        ("[mail.relay]\nhost = 'x'", "mail.relays.*.host"),
        ("[work]\nbatch = 1", "worker.batch"),
        ("organisation_domain = 'x.example'", "office.organisation_domain"),
    ],
)
def test_an_unknown_key_is_answered_with_the_one_that_was_meant(write: Write, text: str, meant: str) -> None:
    assert problems(write(text))["E_SETTING_UNKNOWN"].way_out == f"Did you mean '{meant}'?"


@pytest.mark.parametrize("key", ["base", "origins"])
def test_what_load_adds_itself_cannot_be_given(write: Write, key: str) -> None:
    assert "E_SETTING_UNKNOWN" in problems(write(f"{key} = 'x'"))


def test_a_broken_file_is_told_with_its_line(write: Write) -> None:
    assert problems(write("[office]\nfolder = \n"))["E_SETTINGS_TOML"].place.endswith("dispatcher.toml:2")


def test_a_table_that_stands_twice_is_told_with_the_line_of_the_first(write: Write) -> None:
    text = "[office]\nfolder = 'var'\n\n[fax.header]  # the line at the top\n#number = ''\n[worker]\n[ fax.header ]\n"
    found = problems(write(text))["E_SETTINGS_TOML"]
    assert found.place.endswith("dispatcher.toml:7")
    assert found.cause == "[fax.header] stands already in line 4"
    assert "line 4" in found.way_out


def test_a_table_after_a_list_of_tables_of_that_name_is_told_with_its_line_too(write: Write) -> None:
    found = problems(write("[[mail.relays]]\nname = 'a'\n[mail.relays]\nname = 'b'\n"))["E_SETTINGS_TOML"]
    assert found.cause == "[mail.relays] stands already in line 1"


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    assert "E_SETTINGS_FILE" in problems(tmp_path / "nothing.toml")


@pytest.mark.parametrize("line", ["password = 'x'", "token = 'x'", "[fax.simulator]\nsecret = 'x'"])
def test_a_secret_in_the_open_is_refused_with_the_way_out(write: Write, line: str) -> None:
    problem = problems(write(line))["E_SECRET_INLINE"]
    assert "_file" in problem.way_out
    assert "'x'" not in str(problem)


def test_a_password_in_the_databases_address_is_refused_in_the_file_and_masked_from_the_environment(
    write: Write,
) -> None:
    url = "postgresql+psycopg://ada:pw@db.example/letters"
    assert "E_SECRET_INLINE" in problems(write(f'[database]\nurl = "{url}"\n'))
    made = load(write(""), {"DISPATCHER__DATABASE__URL": url})
    assert database_url(made) == url
    seen = repr(made) + str(list(shown(made)))
    assert "ada:***@db.example" in seen
    assert "pw@" not in seen


def test_the_databases_password_comes_from_its_file(write: Write, tmp_path: Path) -> None:
    file = secret(tmp_path / "pw", "a b/c@d\n")
    url = "postgresql+psycopg://ada@db.example:5433/letters?sslmode=require"
    made = load(write(f'[database]\nurl = "{url}"\npassword_file = "{file}"\n'), {})
    assert database_url(made) == url.replace("ada", "ada:a%20b%2Fc%40d")
    assert "a b/c" not in repr(made)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_secret_that_others_can_read_is_refused(write: Write, tmp_path: Path, mode: int) -> None:
    secret(tmp_path / "loose", mode=mode)
    problem = problems(write('[fax.simulator]\nsecret_file = "loose"\n'))["E_SECRET_MODE"]
    assert problem.place.endswith("dispatcher.toml:2")
    assert problem.way_out == f"Run: chmod 600 {tmp_path / 'loose'}"


def test_in_the_runtimes_own_folder_of_secrets_the_mode_is_the_runtimes_affair(write: Write, tmp_path: Path) -> None:
    secret(tmp_path / "fax.simulator.secret", mode=0o444)
    assert load(write(""), {"CREDENTIALS_DIRECTORY": str(tmp_path)}).fax.simulator.secret_file


def test_a_missing_secret_is_told_but_our_own_key_may_be_made_later(write: Write) -> None:
    text = '[fax.simulator]\nsecret_file = "none"\n[secrets]\ntoken_key_file = "also-none"\n'
    found = problems(write(text))
    assert set(found) == {"E_SECRET_MISSING"}
    assert found["E_SECRET_MISSING"].place.endswith(":2")


def test_a_secret_is_read_without_its_line_end(tmp_path: Path) -> None:
    assert read_secret(secret(tmp_path / "s", " pass word \r\n")) == " pass word "


@pytest.mark.parametrize(
    ("content", "code"), [(None, "E_SECRET_MISSING"), (b"\n", "E_SECRET_EMPTY"), (b"\xff", "E_SECRET_READ")]
)
def test_a_secret_that_cannot_be_read_says_why(tmp_path: Path, content: bytes | None, code: str) -> None:
    if content is not None:
        (tmp_path / "s").write_bytes(content)
    with pytest.raises(SettingsError, match=code):
        read_secret(tmp_path / "s")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "localhost", "::1", "[::1]"])
def test_an_unencrypted_relay_may_stand_on_this_machine(write: Write, host: str) -> None:
    assert load(write(f'[[mail.relays]]\nhost = "{host}"\n'), {}).mail.relays[0].security == "none"


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost.example", "relay.example", "0.0.0.0"])
def test_an_unencrypted_relay_anywhere_else_is_refused(write: Write, host: str) -> None:
    assert "E_RELAY_PLAIN" in problems(write(f'[[mail.relays]]\nhost = "{host}"\n'))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('[[mail.relays]]\nuser = "ada"\n', "E_RELAY_SIGN_IN"),
        ("[[mail.relays]]\n[[mail.relays]]\n", "E_RELAY_TWICE"),
        ('[fax.mailfax]\nrelay = "lost"\n', "E_RELAY_UNKNOWN"),
        ('[fax.mailfax]\npattern = "fax@{domain}"\n', "E_FAX_PATTERN"),
        ('[database]\nurl = "mysql://x"\n', "E_DATABASE_URL"),
        ('[fax]\ndefault = "pigeon"\n', "E_SETTING_VALUE"),
        ("[retries]\nemail = []\n", "E_SETTING_VALUE"),
        ("[callbacks]\nport = 70000\n", "E_SETTING_VALUE"),
        ('[office]\nfolder = ""\n', "E_SETTING_VALUE"),
    ],
)
def test_what_makes_no_sense_is_refused(write: Write, text: str, code: str) -> None:
    assert code in problems(write(text))


def test_settings_cannot_be_changed(write: Write) -> None:
    made = load(write(""), {})
    with pytest.raises(ValidationError, match="frozen"):
        made.worker.batch = 3


def test_a_tariff_is_exact_money_and_stands_once() -> None:
    tariffs = [{"prefix": "+41", "per_minute": 0.07}, {"prefix": "", "per_page": "0.1"}]
    settings = load(None, {}, {"fax.tariffs": tariffs})
    assert [str(one.per_minute + one.per_page) for one in settings.fax.tariffs] == ["0.07", "0.1"]
    assert "E_TARIFF_TWICE" in problems(None, overrides={"fax.tariffs": [tariffs[0], tariffs[0]]})


def test_the_header_lines_number_is_an_international_one() -> None:
    assert load(None, {}, {"fax.header.number": "+41 22 555 01 00"}).fax.header.number == "+41 22 555 01 00"
    assert "E_FAX_HEADER" in problems(None, overrides={"fax.header.number": "022 555 01 00"})
    assert "E_ZONE" in problems(None, overrides={"fax.header.zone": "Geneva"})


def test_an_empty_table_does_not_keep_the_folders_from_following_the_offices(tmp_path: Path) -> None:
    file = tmp_path / "dispatcher.toml"
    file.write_text('[office]\nfolder = "data"\n[archive]\n[guard]\n[secrets]\n')
    settings = load(file, env={})
    assert settings.archive.folder == tmp_path / "data" / "archive"
    assert settings.guard.folder == tmp_path / "data" / "guard"
    assert settings.secrets.token_key_file == tmp_path / "data" / "token.key"
