// A client: its facts and history, and deleting it.

import { TEXT } from "./text.mjs";
import { FIELDS_BY_GROUP, flatten } from "./record.mjs";
import { fullName, isolate, readRoute } from "./values.mjs";
import { ask, badge, button, dialog, el, link, say, show } from "./dom.mjs";
import { call, state } from "./requests.mjs";
import { finish, readDraft } from "./drafts.mjs";
import { facts } from "./facts.mjs";
import { historyOf, readHistory, restore, signature } from "./history.mjs";
import { describeFilters } from "./list.mjs";

const IN_HEADING = ["first_name", "last_name", "client_type", "status"];

export async function clientView({ id }, signal) {
  const client = flatten(await call("GET", `v1/clients/${id}`, { signal }));
  const past = el("div"); // filled next: only one request can wait visibly
  const edit = `#/client/${id}/edit`;
  const groups = FIELDS_BY_GROUP.map(([group, fields]) => {
    const known = facts(fields.filter(({ name }) => !IN_HEADING.includes(name)), client);
    return known.length ? el("section.card", el("h2", TEXT.groups[group]), el("dl", known)) : null;
  });
  show(fullName(client), {
    back: state.list ?? "#/", badges: [badge(client.client_type), badge(client.status)],
    actions: [link(TEXT.edit, edit, "button main"), button(TEXT.remove, () => remove(client, signal), "danger")],
  }, el("p.note", readDraft(id) && [TEXT.draft, " ", link(TEXT.edit, edit)]),
  el("div.columns", el("div.facts.groups", groups), past));
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
