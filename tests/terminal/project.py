"""A small project folder of one's own: settings, three missions, one campaign by email, the shipped letters."""

from __future__ import annotations

from pathlib import Path

SETTINGS = """
[[mail.relays]]
host = "127.0.0.1"
port = {port}
connections = 1
timeout_reply = 5

[worker]
concurrency = 1
"""

#: For the doctor, where a test looks at another of its checks: to set every letter in every language takes seconds.
NO_TEMPLATES = '[templates]\nfolder = "none"\n'

CONTACTS = """\
id,honorific,name,office,organisation,address_1,country,state,language,time_zone,salutation,email,fax,tags
ardesia,H.E. Ms.,Elena Marchetti,Ambassador,Permanent Mission of Ardesia,1 Rue A,Switzerland,the Republic of Ardesia,\
en,Europe/Zurich,"Excellency,",mission@ardesia.example,+44 1632 960101,mission
halvorn,H.E. Mr.,Aksel Brandvik,Ambassador,Permanent Mission of Halvorn,2 Rue B,Switzerland,the Kingdom of Halvorn,\
en,Europe/Zurich,"Excellency,",registry@halvorn.example,,mission
tukaro,H.E. Ms.,Tane Ihaka,Ambassador,Permanent Mission of Tukaro,3 Rue C,Switzerland,the Republic of Tukaro,\
en,Europe/Zurich,"Excellency,",office@tukaro.example,,mission
"""

CAMPAIGN = """
id = "peace"
title = "A letter of peace"
organisation = "cluster-munition-coalition"
letter_date = 2026-01-12

[sender]
name = "Megan Burke"
title = "Director"
email = "letters@coalition.example"
place = "Geneva"

[when]
at = 2026-01-12T09:00:00
zone = "Europe/Zurich"

[select]
tags = ["mission"]

[channels]
default = "email"

[[steps]]
letter = "air-strikes"
"""


def lay_out(folder: Path, port: int = 2525) -> Path:
    """Write the project into `folder`; its relay is on `port` of this machine."""
    config = folder / "config"
    for name in ("contacts", "campaigns"):
        (config / name).mkdir(parents=True)
    (config / "dispatcher.toml").write_text(SETTINGS.format(port=port), "utf-8")
    (config / "contacts" / "missions.csv").write_text(CONTACTS, "utf-8")
    (config / "campaigns" / "peace.toml").write_text(CAMPAIGN, "utf-8")
    return folder


def point_at(folder: Path, port: int) -> None:
    """Send the letters of the project to another port."""
    (folder / "config" / "dispatcher.toml").write_text(SETTINGS.format(port=port), "utf-8")
