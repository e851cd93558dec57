"""Which column of a CSV file is which field, and the reading of a record by it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from acare import ids
from acare.errors import FieldError, UserError
from acare.field_types import Amount, Boolean, Enum, StringList
from acare.fields import FIELDS
from acare.importing import cells
from acare.importing.rows import Draft
from acare.property_preferences import Preferences

_READERS: dict[type, Callable[[str], Any]] = {
    Amount: cells.money,
    Boolean: cells.flag,
    Enum: cells.word,
    StringList: cells.texts,
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
    "version": cells.money,
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
    **dict.fromkeys(("acarereason", "userid", "updatedat"), ""),  # of files of acare: they are ignored
}

_KindOf = Callable[[str], str | None]


class Columns:
    """The columns of a file. ``fields`` has the field of each column, "" for one that is ignored, or None.

    ``targets`` are fields by column, beyond the spellings that are known. With ``keep_unknown``, what has no
    field is read into property_preferences. UserError if no column is a name.
    """

    def __init__(self, header: Sequence[str], targets: dict[str, str], keep_unknown: bool) -> None:
        self.names: list[str] = []
        for position, text in enumerate(header, 1):
            name = cells.undefuse(" ".join(text.split()))
            self.names.append(name if name and name not in self.names else f"{name or 'column'} ({position})")
        self._listed = ", ".join(self.names)
        self._chosen, self._keep_unknown = targets, keep_unknown
        self._day_first: dict[int, bool] = {}
        self.fields = self._find_fields()

    def _find_fields(self) -> dict[str, str | None]:
        """The field of each column, by choice or by the spelling; the first column of a spelling has it."""
        for column in self._chosen.keys() - self.names:
            raise UserError(f"--map: there is no column {column!r}; the columns are {self._listed}")
        fields: dict[str, str | None] = dict.fromkeys(self.names) | self._chosen
        for column in self.names:
            target = _KNOWN.get(re.sub("[^a-z0-9]", "", column.casefold()))
            if column not in self._chosen and (not target or target not in fields.values()):
                fields[column] = target
        if not any(fields.values()):
            raise UserError(
                f"no column is recognized: {self._listed}. Columns must be separated by commas, semicolons "
                "or tabs; --map 'COLUMN=FIELD' assigns a field to a column"
            )
        if {"full_name", "first_name", "last_name"}.isdisjoint(fields.values()):
            raise UserError(f"no column is a name; assign one with --map 'COLUMN=full_name': {self._listed}")
        return fields

    def survey(self, rows: Iterable[tuple[int, list[str]]], dates: str | None) -> None:
        """Decide from all ``rows``, each with its line, what a single cell does not show.

        Ids are those of another program if none is a UUID. Day and month are in the order ``dates``, dmy or
        mdy, else in that of the first date of the column that has only one; UserError if none of them has.
        """
        kinds: dict[str | None, _KindOf] = {"id": _id_kind, "created_at": cells.date_order}
        surveyed = {at: kinds[target] for at, target in enumerate(self.fields.values()) if target in kinds}
        for at, (kind, example) in _survey(rows, surveyed).items():
            if kind == "either" and not dates:
                raise UserError(
                    f"{self.names[at]}: all dates, for example {example}, can have the day or the month "
                    "first; say which with --dates dmy or --dates mdy"
                )
            if kind == "foreign" and self.names[at] not in self._chosen:
                self.fields[self.names[at]] = None
            self._day_first[at] = (dates or kind) == "dmy"
        if "id" not in self.fields.values():  # then it is that of another program
            self.fields |= {column: None for column, target in self.fields.items() if target == "version"}

    def with_plain_dates(self, record: list[str]) -> list[str]:
        """The record with each date of this order in a form that needs none."""
        return [
            (cells.date_order(text) and cells.instant(text, day_first=self._day_first.get(at))) or text
            for at, text in enumerate(record)
        ]

    def read(self, line: int, record: list[str]) -> Draft:
        """The record as a draft. Of several columns for one field, the first that is not empty counts."""
        draft = Draft(line)
        preferences: dict[str, Any] = {}
        for at, (column, target) in enumerate(self.fields.items()):
            text = record[at] if at < len(record) else ""
            if not target or target in draft.found or not (text if target == "notes" else text.strip()):
                continue
            draft.found[target] = column, text
            value = TARGETS[target](text)
            if target == "full_name":
                for name, part in zip(("first_name", "last_name"), value, strict=True):
                    if part and name not in draft.found:
                        draft.values[name], draft.found[name] = part, (column, text)
            elif target == "created_at":
                draft.values[target] = cells.instant(text, day_first=self._day_first.get(at, False)) or ""
            elif target.startswith(_PREFERENCES):
                draft.found.setdefault("property_preferences", (column, text))
                preferences[target.removeprefix(_PREFERENCES)] = value
            else:
                draft.values[target] = value
        self._finish(draft, record, preferences)
        return draft

    def _finish(self, draft: Draft, record: list[str], preferences: dict[str, Any]) -> None:
        if self._keep_unknown:
            texts = {name: cells.undefuse(text) for name, text in zip(self.names, record, strict=False)}
            unknown = (name for name, target in self.fields.items() if target is None)
            preferences |= {name: texts[name] for name in unknown if texts.get(name, "").strip()}
        given = draft.values.get("property_preferences", {})
        if preferences and isinstance(given, dict):
            draft.values["property_preferences"] = given | preferences
        if any(map(str.strip, record[len(self.names) :])):
            message = f"must not have more cells than the header, which has {len(self.names)}"
            draft.problems.append(FieldError("row", message))


def _id_kind(text: str) -> str | None:
    if ids.canonical(text.strip()):
        return "UUID"
    return "foreign" if text.strip() else None


def _survey(rows: Iterable[tuple[int, list[str]]], kinds: dict[int, _KindOf]) -> dict[int, tuple[str, str]]:
    """The kind of each column, and an example: that of the first cell that decides it, else of the last."""
    found: dict[int, tuple[str, str]] = {}
    for line, record in rows:
        if not kinds:
            break
        for at, kind_of in [*kinds.items()]:
            kind = kind_of(record[at]) if at < len(record) else None
            if kind is not None:
                found[at] = kind, f'"{record[at].strip()}" in line {line}'
            if kind in ("UUID", "dmy", "mdy"):
                del kinds[at]
    return found
