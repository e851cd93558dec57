// A client: its facts, and deleting it.

import { TEXT, label } from "./text.mjs";
import { FIELDS_BY_GROUP, flatten, inputText, same } from "./record.mjs";
import { fullName, isolate, readRoute, showMoney, showNumber } from "./values.mjs";
import { ask, badge, button, currency, dialog, el, link, mail, phone, say, show, value } from "./dom.mjs";
import { call, owner, state } from "./requests.mjs";
import { finish, readDraft } from "./drafts.mjs";
import { describeFilters } from "./list.mjs";

const LINKS = { email: mail, phone };
const isUnset = (given) => given === null || given === "" || same(given, []) || same(given, {});

/** A value as a person reads it. */
export function shown(field, given, links = true) {
  if (isUnset(given)) return el("span.unset", TEXT.unset);
  if (links && Object.hasOwn(LINKS, field.name)) return LINKS[field.name](given);
  if (field.kind === "choice") return badge(given);
  if (typeof given === "boolean") return given ? TEXT.yes : TEXT.no;
  if (typeof given === "number") return field.kind === "money" ? showMoney(given, currency) : showNumber(given);
  if (field.kind === "list") return el("ul.tags", given.map((item) => el("li", value(item))));
  const isJson = field.kind === undefined && typeof given === "object"; // a detail
  return el("bdi", { class: field.kind }, isJson ? JSON.stringify(given) : inputText(given));
}

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
  el("div.facts", groups));
}

function remove(client, signal) {
  const name = isolate(fullName(client));
  const confirmed = async () => {
    dialog.close();
    try {
      await call("DELETE", `v1/clients/${client.id}`, { headers: { "If-Match": `"${client.version}"` }, signal });
    } catch (error) {
      if (error.status === 412) return state.render().then(() => say(TEXT.removeStale));
      if (!(error.status === 404 && error.uncertain)) return state.showFailure(error, signal); // else it is done
    }
    const filters = describeFilters(readRoute(state.list).query);
    finish(client.id, [TEXT.removed(name), filters && TEXT.stillFiltered(filters)].filter(Boolean).join(" "), state.list);
  };
  ask(TEXT.removeTitle(name), el("p", TEXT.removeHint), el("div.actions",
    button(TEXT.remove, confirmed, "danger main"), button(TEXT.cancel, () => dialog.close())));
}
