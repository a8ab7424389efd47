"""Invented people for the demo's practice: names as one meets them in a German city, and nothing by which anybody real is reached.

Addresses are of domains that RFC 2606 keeps free; telephone numbers of the ranges that regulators keep free for film and print: Germany's
Bundesnetzagentur (notice 148/2021), Britain's Ofcom, France's ARCEP, and 555-01xx in North America.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MOST = 2000
_DOMAINS = ("example.org", "example.net", "example.com", "mail.example", "post.example")
_SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ł": "l", "ø": "o", "ı": "i", "đ": "d", "æ": "ae"})
_STREETS = "Ahornweg Birkenallee Gartenstraße Lindenplatz Mühlgasse Schillerstraße Uferweg Wiesenstraße".split()
_TOWNS = ("10999 Berlin", "20359 Hamburg", "50823 Köln", "60316 Frankfurt am Main", "80799 München", "04109 Leipzig")
_TAGS = (
    "couple",
    "evening only",
    "insurance",
    "long-term",
    "new",
    "online",
    "referral",
    "student",
    "supervision",
    "VIP",
)
_NOTES = (
    "Prefers mornings, has to leave by eleven.",
    "Came on a colleague's recommendation.",
    "Works shifts; asks to be written to, not called.",
    "Changing jobs this year, wants to talk about salary.",
    "Needs an invoice to the company's address.",
    "Brings a dog now and then, that is fine.",
    "Möchte auf Deutsch schreiben, spricht lieber Englisch.",
    "Back after a year's break; goals are in the first session's notes.",
    "Hard of hearing on the left side: sit on the right.",
    "Pays in cash, always.",
)


@dataclass(frozen=True, kw_only=True)
class _Origin:
    """First and last names that go together; `weight` says how often they are met."""

    weight: int
    locale: str
    first: str
    last: str
    country: str = "de"


_ORIGINS = (
    _Origin(
        weight=50,
        locale="de",
        first="Anke Annika Antje Bastian Beate Birgit Carsten Clara Dagmar Dennis Detlef Dorothea Eike Elke Enno Fabian Falk Frauke Frieda Gerrit "
        "Gesine Greta Hannes Heike Helene Henrik Ilse Ingo Jannik Jette Jörg Jürgen Käthe Kerstin Klaus Lara Leonie Lutz Malte Marlene Merle Nils "
        "Ole Paula Pia Ralf Rieke Rüdiger Sabine Silke Sören Stefanie Svenja Theresa Thilo Ulrike Uwe Volker Wiebke Yannick",
        last="Ahlers Altmann Bachmair Behrends Birkner Brüggemann Böhnke Dettmer Eickhoff Fehrmann Flügge Gerlach Grünewald Haase Hinrichs Hölscher "
        "Jahnke Kästner Kleinschmidt Kortmann Köhnlein Lindemann Löffler Mahnke Möllers Neuhaus Oelker Petzold Pfannenschmidt Quast Rademacher "
        "Reinhold Rönneberg Sandvoß Schlüter Schönfeld Stegemann Tiedemann Trautwein Uhlig Vierkant Wächter Weißgerber Wittkamp Zander Zöllner",
    ),
    _Origin(
        weight=9,
        locale="de",
        first="Aylin Baran Cem Defne Elif Emre Esra Kaan Melis Nilüfer Selin Tarık",
        last="Aksoy Bozkurt Demirel Erdem Kaplan Karaca Özkan Sarıkaya Tekin Yalçın",
    ),
    _Origin(
        weight=7,
        locale="de",
        first="Agnieszka Bartosz Dorota Grzegorz Jolanta Kasia Łukasz Magda Paweł Zofia",
        last="Borkowski Czarnecki Górski Jabłoński Krawczyk Majewski Sobczak Wróblewski",
    ),
    _Origin(
        weight=7,
        locale="en-GB",
        first="Alastair Beth Callum Fiona Gareth Imogen Moira Nigel Rhiannon Tamsin",
        last="Ashdown Blackwood Cartmell Fairweather Hollins Ketteridge Penhaligon Thornbury",
        country="gb",
    ),
    _Origin(
        weight=5,
        locale="en-US",
        first="Brooke Curtis Darnell Harper Keisha Logan Marisol Tyler Wren",
        last="Calloway Delgado Hathaway Lindqvist Okonkwo Prescott Whitlock",
        country="us",
    ),
    _Origin(
        weight=5,
        locale="fr",
        first="Amélie Benoît Chloé Étienne Gaëlle Lucien Noémie Rémi",
        last="Bellerose Charpentier Delacour Fontanel Lemarchand Rousselin Vasseur",
        country="fr",
    ),
    _Origin(weight=4, locale="it", first="Alessia Davide Ilaria Lorenzo Noemi Saverio", last="Bianchetti Colombari Ferrante Marchesi Rinaldini"),
    _Origin(weight=4, locale="es", first="Begoña Iker Lucía Nuria Óscar Xavier", last="Arrieta Casanova Echeverría Montalbán Villaseñor"),
    _Origin(weight=3, locale="en", first="Anh Bao Duc Hoa Linh Minh Thuy", last="Dang Hoang Nguyen Pham Tran Vu"),
    _Origin(weight=3, locale="en", first="Adaeze Chidi Folake Kwame Ngozi Tunde", last="Adeyemi Boateng Eze Mensah Nwosu"),
    _Origin(weight=3, locale="en", first="Dalia Karim Layla Nabil Rania Yusuf", last="Al-Masri Haddad Khalil Mansour Sabbagh"),
    _Origin(weight=3, locale="en", first="Ananya Dev Ishaan Kavya Meera Rohan", last="Bhatt Chatterjee Iyer Kulkarni Sethi"),
    _Origin(weight=2, locale="en", first="Aiko Daichi Haruka Kenta Sayuri", last="Fujimoto Hayashida Kurosawa Nishikawa"),
    _Origin(weight=2, locale="en", first="Astrid Bjørn Freja Håkon Sølvi", last="Dahlgren Ekström Lundby Sørum"),
)  # fmt: skip


def people(count: int, rng: random.Random) -> list[dict[str, Any]]:
    """So many clients as `POST /v1/clients` takes them, no two with the same name, email or number; the same for the same `rng`.

    Raises:
        ValueError: more than MOST.
    """
    found, names, numbers = (
        list[dict[str, Any]](),
        set[str](),
        {land: _numbers(land) for land in ("de", "gb", "us", "fr")},
    )
    if count > MOST:
        raise ValueError(f"there are names for {MOST} people, not for {count}")
    while len(found) < count:
        [origin] = rng.choices(_ORIGINS, [each.weight for each in _ORIGINS])
        name = f"{rng.choice(origin.first.split())} {rng.choice(origin.last.split())}"
        if name not in names:
            names.add(name)
            found.append(_person(name, origin, numbers[origin.country], len(found), rng))
    return found


def _person(name: str, origin: _Origin, numbers: Iterator[str], place: int, rng: random.Random) -> dict[str, Any]:
    person: dict[str, Any] = {"name": name}
    # The first one has all that can be had: others are booked for online, or written to.
    if place % 8 != 7:
        person["email"] = f"{_plain(name)}@{rng.choice(_DOMAINS)}"
    number = next(numbers, None)
    if place % 5 != 3 and number is not None:
        person["phone"] = number
    if rng.random() < 0.35:
        person["tags"] = sorted(rng.sample(_TAGS, rng.choice((1, 1, 2))))
    if rng.random() < 0.3:
        person["notes"] = rng.choice(_NOTES)
    if rng.random() < 0.4:
        person["birth_date"] = f"{rng.randint(1951, 2005)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    if rng.random() < 0.3:
        person["address"] = f"{rng.choice(_STREETS)} {rng.randint(1, 90)}\n{rng.choice(_TOWNS)}"
    if rng.random() < 0.6:
        person["locale"] = origin.locale
    return person


def _plain(name: str) -> str:
    """The name as it stands in an address of mail."""
    spelt = name.lower().translate(_SPELT)
    folded = unicodedata.normalize("NFKD", spelt).encode("ascii", "ignore").decode()
    return folded.replace(" ", ".")


def _numbers(land: str) -> Iterator[str]:
    """Every number of the ranges that are kept free in a country."""
    for n in range(1000):
        if land == "de":
            yield from (
                f"{city}{n:03}" for city in ("+493023125", "+494066969", "+496990009", "+498999998", "+492214710")
            )
        elif land == "gb":
            yield f"+447700900{n:03}"
        elif land == "fr":
            yield f"+3363998{n:04}"
        elif n < 100:
            yield from (f"+1{area}55501{n:02}" for area in (212, 312, 415))
