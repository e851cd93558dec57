"""The columns of CSV files: the field of each header, and how the cells of a field are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from acare.errors import UserError
from acare.field_types import Amount, Boolean, Enum, Preferences, StringList
from acare.fields import FIELDS
from acare.importing import cells

# How the cells of a field are read, by its type; others are texts.
_READERS: dict[type, Callable[[str], Any]] = {
    Amount: cells.money,
    Boolean: cells.boolean,
    Enum: cells.word,
    StringList: cells.texts,
    Preferences: cells.json_value,
}

#: What a column can be, and how its cells are read.
TARGETS: dict[str, Callable[[str], Any]] = {
    **{field.name: _READERS.get(type(field.kind), str) for field in FIELDS},
    "full_name": cells.full_name,
    **dict.fromkeys(("owner", "created_at"), str),
}

# Spellings of headers, in lower case, with letters and digits only.
_SPELLINGS = {
    "first_name": "first fname givenname forename vorname nombre prenom",
    "last_name": "last lname surname familyname nachname apellido apellidos nom",
    "full_name": "name clientname contactname contact displayname client customer",
    "email": "mail emailaddress email1 email1value primaryemail correo courriel",
    "phone": "phonenumber mobile mobilephone mobilenumber cell cellphone telephone tel phone1 phone1value "
    "primaryphone telefon telefono handy",
    "client_type": "type buyerseller contacttype kind role",
    "status": "state clientstatus stage",
    "source": "leadsource referral referredby origin quelle",
    "budget_min": "minbudget budgetfrom minprice pricemin budgetlow lowestprice",
    "budget_max": "maxbudget budgetto maxprice pricemax budgethigh budget highestprice",
    "preferred_locations": "locations location areas area preferredareas neighborhoods neighbourhoods cities",
    "property_preferences": "preferences",
    "pre_approved": "approved preapproval",
    "pre_approval_amount": "preapprovedamount approvalamount approvedamount loanamount",
    "notes": "note comment comments remarks description notizen",
    "tags": "tag labels label groups categories category groupmembership",
    "owner": "owneremail agent agentemail assignedto assignedagent user",
    "created_at": "created createdon createdat datecreated dateadded added creationdate createddate",
}
_KNOWN = {
    **{re.sub("[^a-z0-9]", "", target): target for target in TARGETS},
    **{spelling: target for target, listed in _SPELLINGS.items() for spelling in listed.split()},
    "acarereason": "",  # of a file of rejected rows
}


def find_fields(header: Sequence[str], chosen: dict[str, str]) -> dict[str, str | None]:
    """The field of each column, "" for one that is ignored, or None.

    ``chosen`` are fields by column, which come first; then the first column of a known spelling has its
    field. UserError if a chosen column does not exist, or no column is a name.
    """
    names: dict[str, None] = {}
    for position, text in enumerate(header, 1):
        name = " ".join(text.split())
        while not name or name in names:
            name = f"{name or 'column'} ({position})"
        names[name] = None
    listed = ", ".join(names)
    for column in chosen.keys() - names.keys():
        raise UserError(f"--map: there is no column {column!r}; the columns are {listed}")
    fields: dict[str, str | None] = {**names, **chosen}
    assigned = set(chosen.values())
    for column in names:
        target = _KNOWN.get(re.sub("[^a-z0-9]", "", column.casefold()))
        if column not in chosen and (not target or target not in assigned):
            fields[column] = target
            assigned.add(target or "")
    if assigned.isdisjoint(("full_name", "first_name", "last_name")):
        raise UserError(
            f"no column is a name: {listed}. --map 'COLUMN=full_name' assigns one; columns must be separated "
            "by commas, semicolons or tabs"
        )
    return fields
