"""Which column of a CSV file is which field, and the reading of a record by it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from acare import ids
from acare.errors import UserError
from acare.exchange import cells
from acare.exchange.rows import REASON, Draft
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
    "full_name": cells.undefuse,
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


@dataclass(frozen=True)
class Choices:
    """How to map columns: ``targets`` by column (None: ignore it), beyond the spellings that are known."""

    targets: Mapping[str, str | None]
    keep_unknown: bool = False
    day_first: bool = False


class Columns:
    """The columns of a file. ``unknown`` are those without a field. UserError if the choices do not fit."""

    def __init__(self, header: Sequence[str], choices: Choices) -> None:
        self.names = _distinct(header)
        self._choices = choices
        self._mapped: list[tuple[int, str, str]] = []  # position, column, target
        self.unknown: list[str] = []
        missing = [column for column in choices.targets if column not in self.names]
        if missing:
            raise UserError(
                f"--map: there is no column {missing[0]!r}; the columns are {', '.join(self.names)}"
            )
        taken = set(choices.targets.values())
        for position, column in enumerate(self.names):
            target = self._target(column, taken)
            if target is not None:
                self._mapped.append((position, column, target))
                taken.add(target)
        named = {target for _, _, target in self._mapped}
        if not named & {"full_name", "first_name", "last_name"}:
            raise UserError(
                f"no column is a name; --map 'COLUMN=full_name' tells one of {', '.join(self.names)}"
            )

    def _target(self, column: str, taken: set[str | None]) -> str | None:
        """The target of a column by choice or by its spelling. The first column of a spelling has it."""
        if column in self._choices.targets:
            return self._choices.targets[column]
        target = _KNOWN.get(re.sub("[^a-z0-9]", "", column.casefold()))
        if target == "id" and "version" not in self.names:
            target = None  # the id of another program
        if target is None or target in taken:
            if column not in _IGNORED:
                self.unknown.append(column)
            return None
        return target

    def read(self, line: int, record: list[str]) -> Draft:
        """The record as a draft. Of several columns for one field, the first that is not empty counts."""
        draft = Draft(line, record)
        for position, column, target in self._mapped:
            text = record[position] if position < len(record) else ""
            if target in draft.found or (not text if target == "notes" else not text.strip()):
                continue
            draft.found[target] = column, text
            self._put(draft, target, text, TARGETS[target](text))
        if self._choices.keep_unknown:
            texts = {name: cells.undefuse(text) for name, text in zip(self.names, record, strict=False)}
            extra = {name: texts[name] for name in self.unknown if texts.get(name, "").strip()}
            self._add_preferences(draft, extra)
        if any(text.strip() for text in record[len(self.names) :]):
            draft.refuse("row", f"must not have more cells than the header, which has {len(self.names)}")
        return draft

    def _put(self, draft: Draft, target: str, text: str, value: Any) -> None:
        if target == "full_name":
            for name, part in zip(("first_name", "last_name"), cells.full_name(value), strict=True):
                draft.found.setdefault(name, draft.found[target])
                draft.body.setdefault(name, part)
        elif target == "owner":
            draft.owner = value.strip()
        elif target == "created_at":
            draft.found["created_at"] = draft.found[target]
            draft.kept["created_at"] = cells.instant(value, day_first=self._choices.day_first) or value
        elif target == "id":
            draft.id = ids.canonical(value.strip())
        elif target.startswith(_PREFERENCES):
            draft.found.setdefault("property_preferences", draft.found[target])
            self._add_preferences(draft, {target.removeprefix(_PREFERENCES): value})
        else:
            draft.body[target] = value

    @staticmethod
    def _add_preferences(draft: Draft, preferences: dict[str, Any]) -> None:
        if preferences and isinstance(draft.body.setdefault("property_preferences", {}), dict):
            draft.body["property_preferences"] |= preferences


def _distinct(header: Sequence[str]) -> list[str]:
    """The names of the columns: a repeated one gets a number, an empty one its position."""
    names: list[str] = []
    for position, text in enumerate(header, 1):
        name = wanted = cells.undefuse(" ".join(text.split())) or f"column {position}"
        number = 1
        while name in names:
            number += 1
            name = f"{wanted} ({number})"
        names.append(name)
    return names
