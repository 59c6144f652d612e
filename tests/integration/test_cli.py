"""The command line, from an empty folder to a settled doubt: the real program, real letters, a real far end."""

from __future__ import annotations

import asyncio
import os
import pty
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from farend.rogue import DROP, Rogue, accept_then, say
from terminal.program import Program, Ran
from terminal.project import lay_out, point_at

from dispatcher.resources import resource

#: A refusal for the first letter, silence after the dot for the second, good manners for the third.
SCRIPT = {"rcpt": [say("550 5.1.1 no such user here")], "dot": [accept_then(DROP)]}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose campaign is prepared; tests copy it."""
    program = Program(lay_out(tmp_path_factory.mktemp("prepared")))
    program("db", "upgrade").good()
    program("contacts", "import").good()
    program("campaigns", "prepare", "peace").good()
    return program.folder


@pytest.fixture(scope="module")
def worked(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose three letters were tried once each: one failed, one is in doubt, one was accepted."""
    folder = tmp_path_factory.mktemp("worked") / "project"
    shutil.copytree(prepared, folder)
    asyncio.run(_work(Program(folder)))
    return folder


async def _work(program: Program) -> None:
    async with Rogue(SCRIPT) as rogue:
        point_at(program.folder, rogue.port)
        await asyncio.to_thread(_launch, program)
        (await program.apart("worker", "--drain")).good()
        assert len(rogue.ledger) == 2  # the one in doubt had arrived


def _launch(program: Program) -> None:
    program("campaigns", "approve", "peace", "--digest", plan_of(program)).good()
    program("campaigns", "launch", "peace", "--late").good()


def plan_of(program: Program) -> str:
    digest: str = program("campaigns", "list", "--json").good().json["campaigns"][0]["plan"]
    return digest


def copy_of(folder: Path, tmp_path: Path) -> Program:
    """A copy sends nothing before somebody says that it may."""
    shutil.copytree(folder, tmp_path / "project")
    program = Program(tmp_path / "project")
    if (program.folder / "var" / "guard").exists():
        program("adopt", "--moved", "--reason", "a copy to try things on", "--yes").good()
    return program


@pytest.fixture
def office(prepared: Path, tmp_path: Path) -> Program:
    """The program in a fresh copy of the prepared project."""
    return copy_of(prepared, tmp_path)


@pytest.fixture
def after(worked: Path, tmp_path: Path) -> Program:
    """The program in a fresh copy of the project whose letters were tried."""
    return copy_of(worked, tmp_path)


def only(program: Program, state: str) -> dict[str, object]:
    """The one delivery in that state."""
    [found] = program("deliveries", "list", "--state", state, "--json").good().json["deliveries"]
    assert isinstance(found, dict)
    return found


# -- contacts ----------------------------------------------------------------------------------------------------------


def test_an_import_tried_changes_nothing_and_says_what_it_would_do(tmp_path: Path) -> None:
    program = Program(lay_out(tmp_path))
    program("db", "upgrade").good()
    tried = program("contacts", "import", "--dry-run", "--json").good().json
    assert (tried["dry_run"], tried["added"], tried["retired"]) == (True, 3, [])
    assert program("contacts", "list", "--json").good().json["contacts"] == []
    assert program("contacts", "import").good().out == (
        "3 added, 0 changed, 0 as before, 0 retired, 0 not in the files and kept\n"
    )
    assert program("contacts", "import", "--json").good().json["same"] == 3


def test_a_dry_run_shows_what_a_column_was_taken_for_and_what_would_change(office: Program) -> None:
    file = office.folder / "list.csv"
    file.write_text(
        "id,Nom,Télécopieur,language,time_zone,salutation,state,Nonsense\n"
        'ardesia,Nadia Petrov,+44 1632 960109,en,Europe/Zurich,"Excellency,",the Republic of Ardesia,x\n',
        "utf-8",
    )
    ran = office("contacts", "import", str(file), "--dry-run").good()
    assert "Télécopieur" in ran.out
    assert "+441632960109" in ran.out
    assert "Nonsense" in ran.err
    assert ran.out.splitlines()[-1].startswith("would be: 0 added, 1 changed")


def test_an_import_is_told_by_its_number_and_taken_back(office: Program) -> None:
    before = office("contacts", "list", "--json").good().json
    file = office.folder / "more.csv"
    header, first, *_ = (office.folder / "config" / "contacts" / "missions.csv").read_text("utf-8").splitlines()
    changed = first.replace("mission@ardesia.example", "registry@ardesia.example")
    file.write_text(f"{header}\n{changed}\n", "utf-8")
    done = office("contacts", "import", str(file), "--json").good().json
    assert (done["number"], done["added"], len(done["changes"])) == (2, 0, 1)
    assert [one["number"] for one in office("contacts", "imports", "--json").good().json["imports"]] == [2, 1]
    undone = office("contacts", "undo", "2", "--reason", "the wrong file", "--json").good().json
    assert undone["restored"] == ["ardesia"]
    assert office("contacts", "list", "--json").good().json == before
    assert office("contacts", "undo", "2", "--reason", "again").code == 5


def test_bad_rows_are_written_to_a_file_that_can_be_mended_and_fed_back(office: Program) -> None:
    source, rejects = office.folder / "config" / "contacts" / "missions.csv", office.folder / "rejects.csv"
    file = office.folder / "next.csv"
    file.write_text(source.read_text("utf-8").replace("+44 1632 960101", "022 no fax"), "utf-8")
    ran = office("contacts", "import", str(file), "--partial", "--rejects", str(rejects))
    assert "left out" in ran.err
    text = rejects.read_text("utf-8")
    assert len(text.splitlines()) == 2
    assert "what to do" in text
    rejects.write_text(text.replace("022 no fax", "+441632960155"), "utf-8")
    assert office("contacts", "import", str(rejects), "--json").good().json["problems"] == []


def test_a_contact_is_shown_repaired_and_its_story_kept(office: Program) -> None:
    words = (
        "--email",
        "new@ardesia.example",
        "--set",
        "office=Chargé d'affaires",
        "--checked",
        "--reason",
        "they wrote",
    )
    done = office("contacts", "repair", "ardesia", *words, "--json").good().json
    assert {one["field"] for one in done["differences"]} >= {"email", "office", "email_checked_on"}
    view = office("contacts", "show", "ardesia", "--json").good().json
    assert view["contact"]["email"] == "new@ardesia.example"
    assert [one["reason"] for one in view["changes"]][-1] == "they wrote"
    shown = office("contacts", "show", "ardesia").good().out
    assert "mission@ardesia.example → new@ardesia.example" in shown
    wrong = office("contacts", "repair", "ardesia", "--set", "id=x", "--set", "form=janitor", "--reason", "no")
    assert (wrong.code, len(wrong.err.splitlines())) == (2, 2)


def test_a_repair_tells_everything_that_an_import_would_refuse(office: Program) -> None:
    given = ("time_zone=Mars/Olympus", "language=tlh", "seat=ZZZ", "state_code=QQ", "nonsense=1")
    words = [word for one in given for word in ("--set", one)]
    words += ["--name", "Nadia\nPetrov", "--gender", "x", "--since", "31/31/2026", "--reason", "they wrote"]
    ran = office("contacts", "repair", "ardesia", *words)
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 8)
    doubtful = ("contacts", "repair", "ardesia", "--email", "registry@mіssion.example", "--reason", "they wrote")
    assert "--confirm W_CONFUSABLE" in office(*doubtful).err
    ran = office(*doubtful, "--confirm", "W_CONFUSABLE", "--set", "language=French", "--since", "2026-04-03").good()
    assert "warning: ardesia: W_CONFUSABLE" in ran.err
    view = office("contacts", "show", "ardesia", "--json").good().json["contact"]
    assert (view["language"], view["since"]) == ("fr", "2026-04-03")


def test_the_dry_run_ends_as_the_import_does_and_writes_the_bad_rows(office: Program) -> None:
    source, rejects = office.folder / "config" / "contacts" / "missions.csv", office.folder / "rejects.csv"
    file = office.folder / "next.csv"
    file.write_text(source.read_text("utf-8").replace("+44 1632 960101", "022 no fax"), "utf-8")
    words = ("contacts", "import", str(file))
    whole = office(*words, "--dry-run", "--rejects", str(rejects))
    assert (whole.code, whole.err.splitlines()[-1]) == (2, office(*words).err.splitlines()[-1])
    assert "022 no fax" in rejects.read_text("utf-8")
    ran = office(*words, "--dry-run", "--partial").good()
    assert "left out" in ran.err
    assert office(*words, "--partial").good().out == ran.out.splitlines()[-1].removeprefix("would be: ") + "\n"


def test_bad_rows_never_take_the_place_of_a_list(office: Program) -> None:
    file, other = office.folder / "next.csv", office.folder / "other.csv"
    source = (office.folder / "config" / "contacts" / "missions.csv").read_text("utf-8")
    for path in (file, other):
        path.write_text(source.replace("+44 1632 960101", "022 no fax"), "utf-8")
    before = file.read_bytes()
    words = ("contacts", "import", str(file), "--partial", "--rejects")
    assert office(*words, str(file), "--force").code == 2
    assert office(*words, str(other)).code == 5
    assert (file.read_bytes(), other.read_bytes()) == (before, before)
    office(*words, str(other), "--force").good()
    assert len(other.read_text("utf-8").splitlines()) == 2
    file.write_text(source, "utf-8")
    office(*words, str(office.folder / "none.csv")).good()
    assert not (office.folder / "none.csv").exists()


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "vcf"])
def test_what_is_exported_and_imported_again_changes_nothing(office: Program, suffix: str) -> None:
    file = office.folder / f"all.{suffix}"
    assert office("contacts", "export", str(file), "--json").good().json["contacts"] == 3
    assert office("contacts", "export", str(file)).code == 5
    again = office("contacts", "import", str(file), "--json").good().json
    assert (again["same"], again["changes"], again["new_ids"]) == (3, [], [])


def test_an_empty_list_can_be_had_and_filled_in(tmp_path: Path) -> None:
    program = Program(lay_out(tmp_path))
    program("db", "upgrade").good()
    file = tmp_path / "empty.xlsx"
    program("contacts", "template", str(file)).good()
    tried = program("contacts", "import", str(file), "--dry-run", "--json").good().json
    assert (tried["added"], tried["problems"]) == (1, [])


def test_every_problem_of_a_contact_file_stands_on_a_line_of_its_own(office: Program) -> None:
    file = office.folder / "config" / "contacts" / "missions.csv"
    file.write_text(file.read_text("utf-8").replace("Europe/Zurich", "Europe/Zorich"), "utf-8")
    ran = office("contacts", "check")
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 3
    assert all("missions.csv" in line and "Europe/Zurich" in line for line in ran.err.splitlines())


def test_contacts_are_listed_with_their_addresses(office: Program) -> None:
    first = office("contacts", "list", "--json").good().json["contacts"][0]
    assert (first["id"], first["email"], first["fax"]) == ("ardesia", "mission@ardesia.example", "+441632960101")
    assert "mission@ardesia.example" in office("contacts", "list").good().out


def test_an_address_is_suppressed_once(office: Program) -> None:
    words = ("contacts", "suppress", "Mission@Ardesia.example", "--reason", "they asked", "--json")
    assert office(*words).good().json == {
        "schema_version": 1,
        "address": "Mission@ardesia.example",
        "channel": "email",
        "added": True,
    }
    assert office(*words).good().json["added"] is False
    assert office("contacts", "suppress", "nobody", "--reason", "?").code == 2


# -- a campaign before it leaves ---------------------------------------------------------------------------------------


def test_without_a_database_a_command_says_what_to_run_and_ends_with_5(tmp_path: Path) -> None:
    ran = Program(lay_out(tmp_path))("contacts", "list")
    assert (ran.code, ran.out) == (5, "")
    assert "dispatcher db upgrade" in ran.err


def test_before_any_import_a_campaign_cannot_be_prepared(tmp_path: Path) -> None:
    program = Program(lay_out(tmp_path))
    program("db", "upgrade").good()
    ran = program("campaigns", "prepare", "peace")
    assert (ran.code, "dispatcher contacts import" in ran.err) == (2, True)


def test_a_campaign_that_has_no_file_is_not_found_and_the_others_are_named(office: Program) -> None:
    ran = office("campaigns", "prepare", "war")
    assert ran.code == 3
    assert "peace" in ran.err


def test_a_kind_that_nothing_carries_is_warned_of_when_the_campaign_is_prepared(office: Program) -> None:
    file = office.folder / "config" / "campaigns" / "peace.toml"
    text = file.read_text("utf-8") + '\n[channels.by_contact]\nardesia = "both"\n'
    file.write_text(text.replace("[[steps]]\nletter", "[[steps]]\nletter"), "utf-8")
    ran = office("campaigns", "prepare", str(file), "--json").good()
    assert ran.json["deliveries"] == {"email": 3, "fax": 1}
    assert "W_NO_WAY 1 deliveries by fax would wait" in ran.err


def test_the_plan_shows_every_letter_and_delivery(office: Program) -> None:
    shown = office("campaigns", "preview", "peace", "--json").good().json
    assert shown["plan"] == plan_of(office)
    assert [one["contact_id"] for one in shown["letters"]] == ["ardesia", "halvorn", "tukaro"]
    assert {one["channel"] for one in shown["deliveries"]} == {"email"}
    text = office("campaigns", "preview", "peace").good()
    assert "registry@halvorn.example" in text.out
    assert plan_of(office)[:12] in text.err


def test_a_plan_with_an_address_that_is_no_longer_so_is_prepared_again_before_it_is_signed(office: Program) -> None:
    words = ("--email", "registry@ardesia.example", "--reason", "they wrote")
    office("contacts", "repair", "ardesia", *words).good()
    ran = office("campaigns", "approve", "peace", "--digest", plan_of(office), "--confirm", "E_CONTACT_CHANGED")
    assert (ran.code, ran.err.count("E_CONTACT_CHANGED")) == (2, 1)
    assert "dispatcher campaigns prepare peace" in ran.err
    remarks = office("campaigns", "preview", "peace", "--json").good().json["remarks"]
    assert {tuple(one) for one in remarks} == {("place", "cause", "way_out", "code")}
    assert "E_CONTACT_CHANGED" in [one["code"] for one in remarks]


def test_an_approval_signs_the_plan_by_its_digest_alone(office: Program) -> None:
    assert office("campaigns", "approve", "peace", "--digest", "0" * 12).code == 5
    unsaid = office("campaigns", "approve", "peace")
    assert (unsaid.code, "--digest" in unsaid.err) == (2, True)
    assert office("campaigns", "launch", "peace").code == 5
    row = office("campaigns", "approve", "peace", "--digest", plan_of(office)[:12], "--json").good().json["campaign"]
    assert row["approved_plan"] == row["plan"]
    assert row["approved_by"].startswith("operator:")


def test_at_a_terminal_an_approval_is_asked_for(office: Program) -> None:
    ours, theirs = pty.openpty()
    process = office.start("campaigns", "approve", "peace", stdin=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, b"y\n")
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0
    assert f"plan {plan_of(office)[:12]}… approved by operator:" in out


def test_a_campaign_whose_hour_has_passed_needs_the_word_late(office: Program) -> None:
    office("campaigns", "approve", "peace", "--digest", plan_of(office)).good()
    early = office("campaigns", "launch", "peace")
    assert (early.code, "E_TIME_PAST" in early.err) == (5, True)
    assert office("campaigns", "launch", "peace", "--late", "--json").good().json["queued"] == 3
    assert office("campaigns", "launch", "peace", "--late", "--json").good().json["queued"] == 0


def test_a_launched_campaign_is_paused_resumed_and_stopped(office: Program) -> None:
    _launch(office)
    reason = ("--reason", "the minister asked")
    office("campaigns", "pause", "peace", *reason).good()
    assert office("campaigns", "pause", "peace", *reason).code == 5
    assert office("campaigns", "show", "peace", "--json").good().json["campaign"]["phase"] == "paused"
    office("worker", "--drain").good()
    assert office("campaigns", "show", "peace", "--json").good().json["counts"] == {"queued": 3}
    office("campaigns", "resume", "peace", *reason).good()
    assert office("campaigns", "stop", "peace", *reason, "--json").good().json["cancelled"] == 3
    ended = office("campaigns", "watch", "peace", "--json").good()
    assert ended.json == {"schema_version": 1, "campaign": "peace", "counts": {"cancelled": 3}, "undecided": 0}
    assert office("campaigns", "pause", "peace").code == 2  # a reason is wanted


def test_a_delivery_is_held_released_and_cancelled(office: Program) -> None:
    _launch(office)
    first = office("deliveries", "list", "--contact", "ardesia", "--json").good().json["deliveries"][0]["id"]
    assert office("deliveries", "hold", first, "--reason", "wait").good().out == f"{first}: Held\n"
    assert office("deliveries", "release", first, "--reason", "go").good().out == f"{first}: Queued\n"
    assert office("deliveries", "cancel", first, "--reason", "no").good().out == f"{first}: Stopped\n"
    assert office("deliveries", "release", first, "--reason", "yes").code == 5


# -- after the tries ---------------------------------------------------------------------------------------------------


def test_after_one_round_each_letter_stands_where_the_far_end_left_it(after: Program) -> None:
    found = after("deliveries", "list", "--json").good().json["deliveries"]
    assert sorted(one["state"] for one in found) == ["accepted", "failed", "in_doubt"]
    assert {one["attempts"] for one in found} == {1}
    text = after("deliveries", "list").good().out
    assert all(
        words in text for words in ("Accepted", "Failed – needs you", "In doubt", "Email address does not exist")
    )


def test_a_campaign_shows_its_numbers_and_what_is_undecided(after: Program) -> None:
    shown = after("campaigns", "show", "peace", "--json").good().json
    assert shown["counts"] == {"accepted": 1, "in_doubt": 1, "failed": 1}
    assert shown["undecided"] == 2
    assert shown["failures"] == [{"cause": "email.no_mailbox", "channel": "email", "count": 1}]
    assert "undecided 2" in after("campaigns", "watch", "peace", "--once").good().out
    assert "Correct and import the contact" in after("campaigns", "show", "peace").good().out


def test_deliveries_are_filtered(after: Program) -> None:
    def count(*words: str) -> int:
        return len(after("deliveries", "list", *words, "--json").good().json["deliveries"])

    assert count("--state", "failed", "--state", "accepted") == 2
    assert count("--cause", "email.no_mailbox") == 1
    assert (count("--channel", "fax"), count("--channel", "email")) == (0, 3)
    assert (count("--step", "1"), count("--limit", "2"), count("--campaign", "war")) == (0, 2, 0)
    assert after("deliveries", "list", "--state", "lost").code == 2


def test_failures_are_grouped_by_cause_with_the_next_step(after: Program) -> None:
    [group] = after("failures", "list", "--json").good().json["failures"]
    assert (group["cause"], group["count"], group["who"], group["bulk"]) == ("email.no_mailbox", 1, "contact", "no")
    assert group["text"] == "Email address does not exist"
    assert group["next"] in after("failures", "list").good().out


def test_a_failure_that_is_retried_is_sent_again(after: Program) -> None:
    failed = only(after, "failed")
    assert after("failures", "retry").code == 2
    refused = after("failures", "retry", "--cause", "email.no_mailbox", "--expect", "9")
    assert (refused.code, "E_REPAIR_FIRST" in refused.err) == (5, True)
    assert after("failures", "retry", str(failed["id"]), "--reason", "corrected", "--json").good().json == {
        "schema_version": 1,
        "queued": [failed["id"]],
    }
    assert asyncio.run(_drain(after)) == [failed["address"]]
    assert after("failures", "list", "--json").good().json["failures"] == []


async def _drain(program: Program) -> list[str]:
    """To whom letters went while the worker did what was due, at a far end that behaves."""
    async with Rogue() as rogue:
        point_at(program.folder, rogue.port)
        (await program.apart("worker", "--drain")).good()
        return [taken.recipient for taken in rogue.ledger]


def test_a_doubt_is_settled_by_a_person_with_a_note(after: Program) -> None:
    doubtful = str(only(after, "in_doubt")["id"])
    assert after("doubts", "list", "--json").good().json["doubts"][0]["id"] == doubtful
    assert "We cannot know whether it arrived" in after("doubts", "list").good().out
    assert after("doubts", "settle", doubtful, "--note", "?").code == 2
    assert after("doubts", "settle", doubtful, "--arrived", "--give-up", "--note", "?").code == 2
    assert after("doubts", "settle", doubtful, "--arrived", "--note", " ").code == 2
    settled = after("doubts", "settle", doubtful, "--arrived", "--note", "Ms Rossi has it", "--json").good().json
    assert settled["state"] == "delivered"
    assert after("doubts", "settle", doubtful, "--arrived", "--note", "again").code == 5


def test_a_resend_of_a_doubtful_letter_is_never_done_unasked(after: Program) -> None:
    doubtful = str(only(after, "in_doubt")["id"])
    unasked = after("doubts", "settle", doubtful, "--resend", "--note", "nobody knows")
    assert (unasked.code, "--yes" in unasked.err) == (2, True)
    early = after("doubts", "settle", doubtful, "--resend", "--yes", "--note", "nobody knows")
    assert (early.code, "E_DOUBT_WAIT" in early.err) == (5, True)


def test_a_delivery_tells_its_whole_story(after: Program) -> None:
    failed = str(only(after, "failed")["id"])
    story = after("deliveries", "show", failed, "--json").good().json
    assert (story["delivery"]["id"], story["attempts"][0]["verdict"]) == (failed, "refused")
    assert [entry["action"] for entry in story["audit"]] == ["delivery.claim", "delivery.refuse"]
    text = after("deliveries", "show", failed).good().out
    assert all(words in text for words in ("550 5.1.1 no such user here", "try 1 by smtp", "sending → failed"))
    assert after("deliveries", "show", "nothing").code == 3


def test_an_answer_is_noted(after: Program) -> None:
    accepted = str(only(after, "accepted")["id"])
    done = after("deliveries", "answered", accepted, "--note", "a letter came", "--json").good().json
    assert done["stopped"] == []
    assert only(after, "delivered")["id"] == accepted


def test_a_letter_is_written_out_in_each_of_its_forms(after: Program) -> None:
    accepted = only(after, "accepted")
    starts = {"pdf": b"%PDF-", "tif": b"II*\0", "html": b"<!", "txt": b"", "eml": b""}
    for ending, start in starts.items():
        after("letters", "preview", str(accepted["id"]), "-o", f"letter.{ending}").good()
        assert (after.folder / f"letter.{ending}").read_bytes().startswith(start)
    assert str(accepted["message_id"]).encode() in (after.folder / "letter.eml").read_bytes()
    assert "Excellency" in (after.folder / "letter.txt").read_text("utf-8")


def test_a_letter_is_found_by_the_beginning_of_its_digest_before_it_is_launched(office: Program) -> None:
    digest = office("campaigns", "preview", "peace", "--json").good().json["letters"][0]["digest"]
    office("letters", "preview", digest[:10], "-o", "proof.pdf").good()
    assert (office.folder / "proof.pdf").read_bytes().startswith(b"%PDF-")
    assert office("letters", "preview", digest[:10], "-o", "proof.doc").code == 2
    assert office("letters", "preview", digest[:10], "-o", "proof.doc", "--part", "cover").code == 3
    assert office("letters", "preview", "abcdef0123", "-o", "proof.pdf").code == 3


# -- the audit log -----------------------------------------------------------------------------------------------------


def test_the_audit_log_is_read_verified_and_exported(after: Program) -> None:
    entries = after("audit", "tail", "-n", "500", "--json").good().json["entries"]
    assert [entry["action"] for entry in entries[:4]] == [
        "contacts.import",
        "campaign.prepare",
        "campaign.approve",
        "campaign.launch",
    ]
    about = after("audit", "tail", "--about", "campaign:peace", "--json").good().json["entries"]
    assert {entry["object"] for entry in about} == {"campaign:peace"}
    assert "campaign.approve" in after("audit", "tail", "-n", "500").good().out
    verdict = after("audit", "verify", "--json").good().json
    assert (verdict["verdict"], verdict["entries"], verdict["findings"]) == ("whole", len(entries), [])
    assert after("audit", "export", "log.jsonl", "--json").good().json["entries"] == len(entries)
    assert "held against no seal" in after("audit", "verify", "log.jsonl").good().out


def test_a_checkpoint_for_trustees_and_its_key_check_an_export_elsewhere(after: Program) -> None:
    after("audit", "seal", "head.txt").good()
    key = after("audit", "key").good().out.strip()
    assert key.startswith("cmc.example/audit-log+")
    after("audit", "export", "log.jsonl").good()
    given = ("--checkpoint", "head.txt", "--key", key)
    assert "held against 1 seals" in after("audit", "verify", "log.jsonl", *given).good().out
    log = after.folder / "log.jsonl"
    log.write_text("".join(log.read_text("utf-8").splitlines(keepends=True)[:-1]), "utf-8")
    ran = after("audit", "verify", "log.jsonl", *given)
    assert (ran.code, "when the log was sealed" in ran.out) == (4, True)


def test_a_campaigns_evidence_is_packed_and_checked(after: Program) -> None:
    given = ("evidence", "bundle", "all.zip", "--campaign", "peace")
    assert after(*given).code == 2  # without a reason
    made = after(*given, "--reason", "archive", "--json").good().json
    assert (made["missing"], made["deliveries"] > 0) == ([], True)
    assert "approved at" in after("evidence", "verify", "all.zip").good().out
    other = "cmc.example/audit-log+00000000+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    assert after("evidence", "verify", "all.zip", "--key", other).code == 3
    assert after("evidence", "verify", "log.zip").code == 7
    assert after(*given, "--reason", "again").code == 2  # nothing is written over
    assert after("evidence", "bundle", "b.zip", "--reason", "why").code == 2  # of what?


def test_an_altered_export_is_found_out_and_ends_with_3(after: Program) -> None:
    after("audit", "export", "log.jsonl").good()
    log = after.folder / "log.jsonl"
    log.write_text(log.read_text("utf-8").replace('"campaign.approve"', '"campaign.prepare"'), "utf-8")
    ran = after("audit", "verify", "log.jsonl")
    assert (ran.code, ran.out) == (3, "entry 3: was altered\n")
    findings = after("audit", "verify", "log.jsonl", "--json")
    assert (findings.code, findings.json["verdict"]) == (3, "broken")
    log.write_text("nonsense\n", "utf-8")
    assert after("audit", "verify", "log.jsonl").code == 7


# -- the processes -----------------------------------------------------------------------------------------------------


async def test_up_hears_callbacks_sends_letters_and_ends_well_when_told(office: Program) -> None:
    await asyncio.to_thread(_launch, office)
    async with Rogue() as rogue:
        point_at(office.folder, rogue.port)
        _listen(office.folder, port := _free_port())
        with office.start("up") as process:
            await asyncio.to_thread(_line_with, process, "callbacks are heard")
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(
                b"POST /callbacks/nobody HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            assert (await reader.read()).startswith(b"HTTP/1.1 404")
            writer.close()
            while len(rogue.ledger) < 3:
                await asyncio.sleep(0.02)
            process.send_signal(signal.SIGTERM)
            _, err = await asyncio.to_thread(process.communicate, None, 60)
        assert (process.returncode, "nothing is under way" in err) == (0, True)
    assert await asyncio.to_thread(_states, office) == {"accepted"}


async def test_a_worker_that_is_interrupted_finishes_what_is_under_way(office: Program) -> None:
    await asyncio.to_thread(_launch, office)
    async with Rogue() as rogue:
        point_at(office.folder, rogue.port)
        with office.start("worker") as process:
            while not rogue.ledger:
                await asyncio.sleep(0.02)
            process.send_signal(signal.SIGINT)
            await asyncio.to_thread(process.communicate, None, 60)
    assert process.returncode == 0
    assert "sending" not in await asyncio.to_thread(_states, office)


def _states(program: Program) -> set[str]:
    return {one["state"] for one in program("deliveries", "list", "--json").good().json["deliveries"]}


def _line_with(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(f"the process ended without saying '{words}'")


def _listen(folder: Path, port: int) -> None:
    settings = folder / "config" / "dispatcher.toml"
    settings.write_text(settings.read_text("utf-8") + f"tick_seconds = 0.1\n\n[callbacks]\nport = {port}\n", "utf-8")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


# -- the doctor --------------------------------------------------------------------------------------------------------


def test_the_doctor_finds_what_is_wrong_and_says_what_to_do(tmp_path: Path) -> None:
    ran = Program(lay_out(tmp_path, port=_free_port()))("doctor", "--json")
    wrong = {check["name"]: check["fix"] for check in ran.json["checks"] if check["finding"] == "wrong"}
    assert (ran.code, ran.json["fit"]) == (6, False)
    assert wrong == {
        "database": "Run: dispatcher db upgrade",
        "mail server main": "Start it, or correct host and port",
    }
    assert not (tmp_path / "var").exists()  # looking makes nothing


async def test_the_doctor_finds_nothing_wrong_with_a_sound_office(office: Program) -> None:
    async with Rogue() as rogue:
        point_at(office.folder, rogue.port)
        ran: Ran = await asyncio.to_thread(office, "doctor")
    assert (ran.code, ran.err) == (0, "")
    assert "3 letters in 1 letterheads" in ran.out


def test_the_doctor_finds_a_sick_database_an_open_secret_a_broken_template_and_outcomes_beside_the_database(
    office: Program,
) -> None:
    (office.folder / "var" / "dispatcher.db").write_bytes(b"%PDF-1.7" * 1000)
    secret = office.folder / "var" / "token.key"
    secret.write_text("0" * 64, "utf-8")
    secret.chmod(0o644)
    (office.folder / "var" / "spill.jsonl").write_text("{}\n", "utf-8")
    letter = office.folder / "templates" / "letters" / "greeting"
    letter.mkdir(parents=True)
    (letter / "en.md").write_text("no front matter", "utf-8")
    others = shutil.ignore_patterns("air-strikes*", "briefing*")
    shutil.copytree(resource("templates"), office.folder / "templates", ignore=others, dirs_exist_ok=True)
    settings = office.folder / "config" / "dispatcher.toml"
    settings.write_text(settings.read_text("utf-8") + '\n[templates]\nfolder = "templates"\n', "utf-8")
    checks = office("doctor", "--json").json["checks"]
    wrong = {check["name"]: check["found"] for check in checks if check["finding"] == "wrong"}
    assert "token.key" in wrong["secrets"]
    assert "letters/greeting/en.md" in wrong["templates"]
    assert "spill.jsonl" in wrong["outcomes"]
    assert "does not answer" in wrong["database"]


def test_the_doctor_looks_on_where_the_settings_cannot_be_read(office: Program) -> None:
    (office.folder / "config" / "dispatcher.toml").write_text("[worker]\nbacth = 3\n", "utf-8")
    ran = office("doctor", "--json")
    [wrong] = [check for check in ran.json["checks"] if check["finding"] == "wrong"]
    assert (ran.code, wrong["name"], "batch" in wrong["fix"]) == (6, "settings", True)
