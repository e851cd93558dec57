"""Which column of a CSV file is which field, and the reading of a record by it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from acare.errors import Problem, UserError
from acare.exchange import cells
from acare.exchange.rows import REASON, Draft, Rules
from acare.field_types import Amount, Flag, OneOf, Texts
from acare.fields import FIELDS
from acare.property_preferences import Preferences

_READERS: dict[type, Callable[[str], Any]] = {
    Amount: cells.money,
    Flag: cells.flag,
    OneOf: cells.word,
    Texts: cells.texts,
    Preferences: cells.json_value,
}
_PREFERENCES = "property_preferences."

#: What a column can be, and how its cells are read.
TARGETS: dict[str, Callable[[str], Any]] = {
    **{field.name: _READERS.get(type(field.kind), cells.undefuse) for field in FIELDS},
    f"{_PREFERENCES}bedrooms_min": cells.money,
    f"{_PREFERENCES}bathrooms_min": cells.money,
    f"{_PREFERENCES}square_feet_min": cells.money,
    f"{_PREFERENCES}property_types": cells.texts,
    "full_name": cells.full_name,
    "owner": cells.undefuse,
    "created_at": cells.undefuse,
    "id": cells.undefuse,
}

# Spellings of headers, in lower case and without all that is no letter or digit.
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
    f"{_PREFERENCES}bedrooms_min": "bedrooms beds minbeds minbedrooms bedroomsmin",
    f"{_PREFERENCES}bathrooms_min": "bathrooms baths minbaths minbathrooms bathroomsmin",
    f"{_PREFERENCES}square_feet_min": "squarefeet sqft minsqft squarefeetmin",
    f"{_PREFERENCES}property_types": "propertytype propertytypes",
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
}
#: Columns of an export that an import of CSV ignores without a word.
_IGNORED = frozenset((REASON, "user_id", "version", "updated_at"))


class Columns:
    """The columns of a file. ``unknown`` are those without a field. UserError if the rules do not fit."""

    def __init__(self, header: Sequence[str], rules: Rules) -> None:
        self.names: list[str] = []
        self.unknown: list[str] = []
        self._rules = rules
        for position, text in enumerate(header, 1):
            name = cells.undefuse(" ".join(text.split()))
            self.names.append(name if name and name not in self.names else f"{name or 'column'} ({position})")
        targets = self._targets()
        if not {"full_name", "first_name", "last_name"} & set(targets.values()):
            raise UserError(
                f"no column is a name; --map 'COLUMN=full_name' tells one of {', '.join(self.names)}"
            )
        self._mapped = [(at, name, targets[name]) for at, name in enumerate(self.names) if name in targets]

    def _targets(self) -> dict[str, str]:
        """The targets by column, by choice or by the spelling; the first column of a spelling has it."""
        chosen = self._rules.targets
        for column in chosen.keys() - self.names:
            raise UserError(f"--map: no column is {column!r}; the columns are {', '.join(self.names)}")
        found = {column: target for column, target in chosen.items() if target}
        for column in self.names:
            target = _KNOWN.get(re.sub("[^a-z0-9]", "", column.casefold()))
            if target == "id" and "version" not in self.names:
                target = None  # the id of another program
            if column in chosen:
                continue
            if target is not None and target not in found.values():
                found[column] = target
            elif column not in _IGNORED:
                self.unknown.append(column)
        return found

    def read(self, line: int, record: list[str]) -> Draft:
        """The record as a draft. Of several columns for one field, the first that is not empty counts."""
        draft = Draft(line, record)
        preferences: dict[str, Any] = {}
        for position, column, target in self._mapped:
            text = record[position] if position < len(record) else ""
            if target in draft.found or (not text if target == "notes" else not text.strip()):
                continue
            value = TARGETS[target](text)
            if target == "full_name":
                names = zip(("first_name", "last_name"), value, strict=True)
                draft.values |= {name: part for name, part in names if name not in draft.found}
                draft.found = {"first_name": (column, text), "last_name": (column, text), **draft.found}
            elif target == "created_at":
                draft.values[target] = cells.instant(text, day_first=self._rules.day_first) or text
            elif target.startswith(_PREFERENCES):
                draft.found.setdefault("property_preferences", (column, text))
                preferences[target.removeprefix(_PREFERENCES)] = value
            else:
                draft.values[target] = value
            draft.found[target] = column, text
        self._finish(draft, record, preferences)
        return draft

    def _finish(self, draft: Draft, record: list[str], preferences: dict[str, Any]) -> None:
        if self._rules.keep_unknown:
            texts = {name: cells.undefuse(text) for name, text in zip(self.names, record, strict=False)}
            preferences |= {name: texts[name] for name in self.unknown if texts.get(name, "").strip()}
        given = draft.values.get("property_preferences", {})
        if preferences and isinstance(given, dict):
            draft.values["property_preferences"] = given | preferences
        if any(map(str.strip, record[len(self.names) :])):
            message = f"must not have more cells than the header, which has {len(self.names)}"
            draft.problems.append(Problem("row", message))
