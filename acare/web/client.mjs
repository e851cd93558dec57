// A client: its facts, and deleting it.

import { TEXT, label, valueOf } from "./text.mjs";
import { groupsOf, same, showDetail, unknownFields } from "./record.mjs";
import { fullName, isolate, readRoute, showMoney, showNumber } from "./values.mjs";
import {
  ask, badge, button, currency, dialog, el, link, mail, pairs, phone, say, show, time, value,
} from "./dom.mjs";
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
  if (field.kind === "user") return value(owner(given));
  if (typeof given === "boolean") return given ? TEXT.yes : TEXT.no;
  if (typeof given === "number") return field.isMoney ? showMoney(given, currency) : showNumber(given);
  if (field.kind === "list") return el("ul.tags", given.map((item) => el("li", value(item))));
  return el("bdi", { class: field.kind }, showDetail(given));
}

/** The facts that are known, since blanks would hide them; the members of a group stand among the others. */
const facts = (fields, record) => fields.flatMap((field) => {
  const given = valueOf(record, field.name);
  if (isUnset(given)) return [];
  if (field.kind === "group") return facts([...field.fields, ...unknownFields(field, given)], given);
  return [el("div", { class: field.kind }, el("dt", value(field.label)), el("dd", shown(field, given)))];
});

const SHOWN_ELSEWHERE = ["first_name", "last_name", "client_type", "status", "user_id"];

export async function clientView({ id }, signal) {
  const client = await call("GET", `v1/clients/${id}`, { signal });
  const edit = `#/client/${id}/edit`;
  const groups = groupsOf(state.fields).map(([group, fields]) => {
    const known = facts(fields.filter(({ name }) => !SHOWN_ELSEWHERE.includes(name)), client);
    return known.length ? el("section.card", el("h2", TEXT.groups[group]), el("dl", known)) : null;
  });
  const about = ["user_id", "created_at", "updated_at", "version", "id"].map((name) => [label(name),
    name.endsWith("_at") ? time(client[name], true) : value(name === "user_id" ? owner(client[name]) : client[name])]);
  show(fullName(client), {
    back: state.list ?? "#/", badges: [badge(client.client_type), badge(client.status)],
    actions: [link(TEXT.edit, edit, "button main"), button(TEXT.remove, () => remove(client, signal), "danger")],
  }, el("p.note", readDraft(id) && [TEXT.draft, " ", link(TEXT.edit, edit)]),
  el("div.columns", el("div.facts", groups), el("div", el("section.card.about", el("h2", TEXT.about), pairs(about)))));
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
