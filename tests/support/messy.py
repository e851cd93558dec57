"""Files of contacts as agencies have them: names of columns, words, dates and mistakes of other programs."""

from __future__ import annotations

import csv
import io
import random

FIRST = "Jordan,Ana María,Zoë,Jörg,François,Łukasz,Mary Ann,Bo".split(",")
LAST = "Lee,O'Brien,Müller,de la Cruz,Groß,Nguyễn,Kim,van Dyk".split(",")
NOTE = 'Met at open house;\nwants a garden, "big" one\n\nCall after 5 pm'


def _hubspot(pick, n, name):
    first, _, last = name.partition(" ")
    return {
        "Record ID": n,
        "First Name": first,
        "Last Name": pick(last, last, last, ""),
        "Email": pick(f"client{n}@example.com", f"CLIENT{n}@example.com ", "", "not given"),
        "Phone Number": pick(f"661555{n:04}.0", f"(661) 555-{n:04}", "", ""),
        "Mobile Phone Number": pick("", f"+1 661 556 {n:04}"),
        "Lead Status": pick("New", "Open", "In progress", "Bad timing", "Closed", ""),
        "Lifecycle Stage": pick("Lead", "Customer"),
        "Contact owner": pick("Ana Torres", "Ana Torres", "Bo Kim", ""),
        "Create Date": pick("2024-05-01 13:45", "2023-11-30", ""),
        "Notes": pick("", NOTE),
    }


def _german(pick, n, name):
    first, _, last = name.partition(" ")
    return {
        "Name": pick(f"{last}, {first}", name, name, last.split()[-1]),
        "E-Mail-Adresse": pick(f"kunde{n}@example.com", "", "unbekannt"),
        "Telefon": pick("", f"0661/10{n:04}"),
        "Handy": pick("", f"+49 171 55{n:04}"),
        "Typ": pick("Käufer", "Verkäufer", "Käufer"),
        "Budget bis": pick("350.000,00 €", "1.200.000 EUR", "auf Anfrage", ""),
        "Erstellt am": pick("15.7.2024", "1.12.23", "unbekannt"),
        "Bemerkungen": pick("", NOTE),
        "Betreuer": pick("ana@example.com", "Torres", ""),
    }


def _followupboss(pick, n, name):
    first, _, last = name.partition(" ")
    return {
        "ID": n,
        "Date Added": pick("7/15/2024", "12/1/2023 2:05 PM"),
        "Name": name,
        "First Name": first,
        "Last Name": last,
        "Stage": pick("Lead", "Nurture", "Past Client", "Closed", "Trash"),
        "Lead Source": pick("Zillow", "Realtor.com", "x" * 120),
        "Assigned To": pick("Ana Torres", "Bo Kim"),
        "Tags": pick("Buyer, VIP", "Seller", ""),
        "Email 1": pick("", f"lead{n}@example.com"),
        "Email 2": pick("", f"lead{n}.home@example.com"),
        "Phone 1": pick("", f"661-555-{n:04}"),
        "Background": pick("", NOTE),
    }


# Its columns, encoding and delimiter.
FILES = {
    "hubspot": (_hubspot, "utf-8-sig", ","),
    "german": (_german, "cp1252", ";"),
    "followupboss": (_followupboss, "utf-16", ","),
}


def messy(kind, rows, seed=1):
    """A file of this kind; every tenth row or so repeats an earlier one."""
    make, encoding, delimiter = FILES[kind]
    random_ = random.Random(f"{kind} {seed}")
    made = []
    for n in range(rows):
        again = made and random_.random() < 0.1
        name = f"{random_.choice(FIRST)} {random_.choice(LAST)}"
        made.append(random_.choice(made) if again else make(lambda *cells: random_.choice(cells), n, name))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, made[0], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(made)
    return text.getvalue().encode(encoding, "replace")
