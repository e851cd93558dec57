// A client: its facts and history, and deleting it.

import { TEXT, label } from "./text.mjs";
import { FIELDS_BY_GROUP, flatten } from "./record.mjs";
import { fullName, isolate, readRoute } from "./values.mjs";
import { ask, badge, button, dialog, el, isUnset, link, say, show, shown, value } from "./dom.mjs";
import { call, owner, state } from "./requests.mjs";
import { finish, readDraft } from "./drafts.mjs";
import { historyOf, readHistory, restore, signature } from "./history.mjs";
import { describeFilters } from "./list.mjs";

/** The facts that are known, since blanks would hide them; each detail is one. */
const facts = (fields, client) => fields.flatMap((field) => {
  const given = client[field.name];
  if (field.kind !== "details") return isUnset(given) ? [] : [fact(field, given)];
  return Object.entries(given).map(([name, detail]) => fact({ label: label(name) }, detail));
});
const fact = (field, given) =>
  el("div", { class: field.kind }, el("dt", value(field.label)), el("dd", shown(field, given)));

const IN_HEADING = ["first_name", "last_name", "client_type", "status"];

export async function clientView({ id }, signal) {
  const client = flatten(await call("GET", `v1/clients/${id}`, { signal }));
  const past = el("div"); // which is read next: only one request can wait visibly
  const edit = `#/client/${id}/edit`;
  const groups = FIELDS_BY_GROUP.map(([group, fields]) => {
    const known = facts(fields.filter(({ name }) => !IN_HEADING.includes(name)), client);
    if (group === "contact") known.push(fact({ label: label("user_id") }, owner(client.user_id)));
    return known.length ? el("section.card", el("h2", TEXT.groups[group]), el("dl", known)) : null;
  });
  show(fullName(client), {
    back: state.list ?? "#/", badges: [badge(client.client_type), badge(client.status)],
    actions: [link(TEXT.edit, edit, "button main"), button(TEXT.remove, () => remove(client, signal), "danger")],
  }, el("p.note", readDraft(id) && [TEXT.draft, " ", link(TEXT.edit, edit)]),
  el("div.columns", el("div.facts", groups), past));
  past.replaceWith(historyOf(await readHistory(id, signal), client));
}

function remove(client, signal) {
  const name = isolate(fullName(client));
  const confirmed = async () => {
    dialog.close();
    try {
      await call("DELETE", `v1/clients/${client.id}`, { headers: { "If-Match": `"${client.version}"` }, signal });
    } catch (error) {
      if (error.status === 412) return state.render().then(() => say(TEXT.removeStale(signature(error.details))));
      return state.showFailure(error, signal);
    }
    const filters = describeFilters(readRoute(state.list).query);
    const text = [TEXT.removed(name), filters && TEXT.stillFiltered(filters)].filter(Boolean).join(" ");
    finish(client.id, text, state.list, button(TEXT.undo, () => restore(client.id)), 10);
  };
  ask(TEXT.removeTitle(name), el("p", TEXT.removeHint), el("div.actions",
    button(TEXT.remove, confirmed, "danger main"), button(TEXT.cancel, () => dialog.close())));
}
