"""The command line with attachments and a cover page: from the campaign file to the preview and the file itself."""

from __future__ import annotations

from pathlib import Path

import pikepdf
import pytest
import typst
from terminal.program import Program
from terminal.project import CAMPAIGN, lay_out


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A project with contacts, and with two annexes beside its campaign file."""
    program = Program(lay_out(tmp_path_factory.mktemp("enclosures")))
    made = typst.compile(b"#set document(title: [Annex])\n#set text(size: 14pt)\nThe facts", format="pdf")
    assert isinstance(made, bytes)
    (_campaigns(program) / "facts.pdf").write_bytes(made)
    (_campaigns(program) / "maps").mkdir()
    (_campaigns(program) / "maps/map.pdf").write_bytes(made)
    program("db", "upgrade").good()
    program("contacts", "import").good()
    return program


def _campaigns(program: Program) -> Path:
    return program.folder / "config/campaigns"


def _write(program: Program, attachments: str) -> None:
    text = CAMPAIGN.replace('default = "email"', 'default = "email"\n\n[channels.by_contact]\nardesia = "both"')
    text += f'attachments = {attachments}\n\n[fax]\ncover = true\nremarks = "Original follows"\n'
    (_campaigns(program) / "peace.toml").write_text(text, "utf-8")


def test_the_preview_names_each_attachment_and_gives_it_back(office: Program, tmp_path: Path) -> None:
    _write(office, '["facts.pdf", { file = "maps/map.pdf", title = "The map" }]')
    office("campaigns", "prepare", "peace").good()
    shown = office("campaigns", "preview", "peace", "--json").good().json
    assert shown["campaign"]["fax_cover"] is True
    letters = {one["contact_id"]: one for one in shown["letters"]}
    parts = {"attachment-01/facts.pdf", "attachment-02/map.pdf"}
    assert all(parts <= one["objects"].keys() for one in letters.values())
    assert (letters["ardesia"]["pages"], letters["ardesia"]["fax_pages"], letters["halvorn"]["fax_pages"]) == (3, 4, 3)

    text = office("campaigns", "preview", "peace").good().out
    for word in ("facts.pdf", "map.pdf", letters["ardesia"]["objects"]["attachment-01/facts.pdf"][:12]):
        assert word in text
    out = tmp_path / "copy.pdf"
    digest = letters["ardesia"]["digest"]
    office("letters", "preview", digest, "--part", "attachment-02/map.pdf", "-o", str(out)).good()
    assert out.read_bytes() == (_campaigns(office) / "maps/map.pdf").read_bytes()


def test_every_attachment_that_cannot_go_is_told_with_its_line_before_anything_is_made(office: Program) -> None:
    folder = _campaigns(office)
    (folder / "empty.pdf").write_bytes(b"")
    (folder / "text.pdf").write_bytes(b"PK\x03\x04")
    with pikepdf.open(folder / "facts.pdf") as pdf:
        pdf.save(folder / "locked.pdf", encryption=pikepdf.Encryption(owner="a", user=""))
        pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
        pdf.save(folder / "script.pdf")
    _write(office, '["empty.pdf", "text.pdf", "locked.pdf", "script.pdf", "none.pdf"]')
    ran = office("campaigns", "prepare", "peace")
    assert ran.code == 2
    codes = ("E_ATT_EMPTY", "E_ATT_TYPE", "E_ATT_ENCRYPTED", "E_ATT_ACTIVE", "E_ATT_MISSING")
    lines = ran.err.splitlines()
    assert [code for code in codes if not any(code in line and "peace.toml:" in line for line in lines)] == []


def test_a_letter_that_is_only_looked_at_leaves_nothing_in_the_archive(office: Program, tmp_path: Path) -> None:
    made = typst.compile(b"#set document(title: [Draft])\nA draft", format="pdf")
    assert isinstance(made, bytes)
    (_campaigns(office) / "draft.pdf").write_bytes(made)
    _write(office, '["draft.pdf"]')
    kept = _archived(office)
    office("letters", "preview", "peace", "--contact", "ardesia", "--now", "-o", str(tmp_path / "seen.pdf")).good()
    assert (tmp_path / "seen.pdf").read_bytes().startswith(b"%PDF")
    assert _archived(office) == kept


def _archived(program: Program) -> list[Path]:
    return sorted(program.folder.rglob("sha256/*/*"))
