"""The seed letter's people as a contact file in each language would hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from dispatcher.domain.model import Contact, Sender
from dispatcher.letters import Order

_BLANK = Contact(
    id="ru-president",
    honorific="",
    name="",
    office="",
    organisation="",
    postal=(),
    country="",
    state="",
    language="",
    time_zone="Europe/Moscow",
    salutation="",
    addresses=(),
)

#: honorific, name, office, postal lines, country, state in a sentence, salutation of the one addressed.
_PRESIDENT: Mapping[str, tuple[str, str, str, tuple[str, ...], str, str, str]] = {
    "en": (
        *("H.E. Mr.", "Vladimir Vladimirovich Putin", "President", ("Staraya pl. 42", "103132 Moscow")),
        *("Russian Federation", "the Russian Federation", "Excellency,"),
    ),
    "fr": (
        *("Son Excellence Monsieur", "Vladimir Vladimirovitch Poutine", "Président de la Fédération de Russie"),
        *(("Staraïa plochtchad, 42", "103132 Moscou"), "Fédération de Russie"),
        *("la Fédération de Russie", "Monsieur le Président,"),
    ),
    "es": (
        *("Excmo. Sr.", "Vladimir Vladimirovich Putin", "Presidente de la Federación de Rusia"),
        *(("Staraya pl. 42", "103132 Moscú"), "Federación de Rusia"),
        *("la Federación de Rusia", "Excelentísimo Señor Presidente:"),
    ),
    "ru": (
        *("Его Превосходительству господину", "В. В. Путину", "Президенту Российской Федерации"),
        *(("Старая пл., д. 42", "103132, Москва"), ""),
        *("Российская Федерация", "Ваше Превосходительство,"),
    ),
    "ar": (
        *("فخامة السيد", "فلاديمير فلاديميروفيتش بوتين", "رئيس الاتحاد الروسي"),
        *(("42 Staraya pl.", "103132 Moscow"), "الاتحاد الروسي"),
        *("الاتحاد الروسي", "صاحب الفخامة،"),
    ),
    "zh": (
        *("", "弗拉基米尔·弗拉基米罗维奇·普京阁下", "俄罗斯联邦总统"),
        *(("Staraya pl. 42", "103132 莫斯科"), "俄罗斯联邦"),
        *("俄罗斯联邦", "总统先生阁下:"),
    ),
}

#: honorific, name, office, organisation of the one who receives a copy.
_AMBASSADOR: Mapping[str, tuple[str, str, str, str]] = {
    "en": (
        *("H.E. Mr.", "Alexey Borodavkin", "Ambassador and Permanent Representative"),
        "Permanent Mission of the Russian Federation to the United Nations in Geneva",
    ),
    "fr": (
        *("S.E. M.", "Alexeï Borodavkine", "Ambassadeur et Représentant permanent"),
        "Mission permanente de la Fédération de Russie auprès de l'Office des Nations Unies à Genève",
    ),
    "es": (
        *("Excmo. Sr.", "Alexey Borodavkin", "Embajador y Representante Permanente"),
        "Misión Permanente de la Federación de Rusia ante las Naciones Unidas en Ginebra",
    ),
    "ru": (
        *("Е.П. г-н", "А. Н. Бородавкин", "Посол, Постоянный представитель"),
        "Постоянное представительство Российской Федерации при Отделении ООН в Женеве",
    ),
    "ar": (
        *("سعادة السيد", "Alexey Borodavkin", "السفير والممثل الدائم"),
        "البعثة الدائمة للاتحاد الروسي لدى الأمم المتحدة في جنيف",
    ),
    "zh": (
        *("", "阿列克谢·博罗达夫金大使阁下", "常驻代表"),
        "俄罗斯联邦常驻联合国日内瓦办事处代表团",
    ),
}


def order_in(tag: str, letter: str = "air-strikes") -> Order:
    """The seed letter in this language, of 1 October 2015."""
    honorific, name, office, postal, country, state, salutation = _PRESIDENT[tag]
    blank = replace(_BLANK, language=tag, state=state, salutation=salutation)
    president = replace(blank, honorific=honorific, name=name, office=office, postal=postal, country=country)
    honorific, name, office, organisation = _AMBASSADOR[tag]
    ambassador = replace(
        blank, id="ru-geneva", honorific=honorific, name=name, office=office, organisation=organisation
    )
    sender = Sender("Megan Burke", "Director", "director@cmc.example", "Geneva")
    return Order(letter, "cluster-munition-coalition", president, (ambassador,), sender, date(2015, 10, 1))
