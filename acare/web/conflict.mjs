// A conflict: someone else changed a client while it was edited.

import { TEXT } from "./text.mjs";
import { combine, flatten, merge } from "./record.mjs";
import { fullName } from "./values.mjs";
import { button, el, show, table, value } from "./dom.mjs";
import { call, shortName, state } from "./requests.mjs";
import { discard, finish, writeDraft } from "./drafts.mjs";
import { isUnset, shown } from "./facts.mjs";
import { signature } from "./history.mjs";

/** Show both persons' changes. ``details`` come from the error; ``form`` has the functions that save a draft and
 *  draw its form again. */
export async function showConflict(draft, details, signal, form) {
  const theirs = flatten(await call("GET", `v1/clients/${draft.id}`, { signal }));
  const differences = merge(draft.base, draft.values, theirs);
  const kinds = new Set(differences.map(({ kind }) => kind));
  const [isTorn, isMine] = [kinds.has("conflict"), kinds.has("mine")];
  if (!isTorn && !isMine) return finish(draft.id, TEXT.saved, `#/client/${draft.id}`); // the server has these values already
  const saveMerged = (choices, element) => {
    const merged = { ...draft, base: theirs, values: combine(theirs, differences, choices) };
    writeDraft(merged);
    return form.save(merged, element);
  };
  if (isMine && kinds.size === 1) return saveMerged({}, form.element); // it was restored, or has another owner
  const submit = (event) => {
    event.preventDefault();
    saveMerged(Object.fromEntries(new FormData(event.target)), event.target);
  };
  const hadValues = differences.some(({ base }) => !isUnset(base));
  const rows = differences.map((one) => [value(one.field.label), ...(hadValues ? [shown(one.field, one.base, false)] : []),
    side(one, "mine"), side(one, "theirs")]);
  const person = details.changedBy ? shortName(details.changedBy) : TEXT.operator;
  const columns = Object.entries({ name: TEXT.field, ...(hadValues && { before: TEXT.before }), mine: TEXT.mine, theirs: person });
  show(TEXT.conflict, { back: state.list ?? "#/" }, el("p", el("strong", value(fullName(theirs))),
    ` ${TEXT.conflictHint(signature(details))} `, isTorn ? TEXT.chooseHint : TEXT.mergeHint),
  el("form.conflict", { submit }, table("differences", TEXT.conflict, columns, rows),
    el("div.actions", el("button.main", isTorn ? TEXT.saveChoice : TEXT.saveBoth),
      button(TEXT.backToForm, form.redraw), button(TEXT.discard, () => discard(draft)))));
}

/** What one person did to a field: a value to choose, a change that is kept, or nothing. */
function side({ field, kind, ...values }, who) {
  const content = shown(field, values[who], false);
  if (kind === who) return el("span.kept", content);
  if (kind !== "conflict") return el("span.unset", TEXT.unchangedBy);
  const radio = el("input", { type: "radio", name: field.name, value: who, required: true });
  return el("label.pick", radio, el("span", content), el("span.unseen", ` (${TEXT.keep[who]})`));
}
