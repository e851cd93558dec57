// What happened to a client, and restoring a deleted one.

import { TEXT } from "./text.mjs";
import { FIELDS, flatten, inputText, same } from "./record.mjs";
import { fullName, isolate, showTime } from "./values.mjs";
import { button, el, go, link, say, show, value } from "./dom.mjs";
import { call, isEditable, owner, state } from "./requests.mjs";
import { readDraft, writeDraft } from "./drafts.mjs";
import { isUnset, shown } from "./facts.mjs";

export const readHistory = (id, signal) =>
  call("GET", `v1/clients/${id}/history`, { signal }).then(({ versions }) => versions);

/** The author and time of a version, of a deletion, or of the details of a conflict. */
export const signature = ({ by, deletedBy, changedBy, at, deletedAt, changedAt }) =>
  `${by ?? deletedBy ?? changedBy ?? TEXT.operator}, ${showTime(at ?? deletedAt ?? changedAt, { long: true })}`;

/** The changes of a client, newest first. An earlier value can be put into the form, if the client is not deleted. */
export const historyOf = (versions, client = null) => el("section.card", el("h2", TEXT.history),
  el("ol.history", versions.map((version) => el("li", TEXT.actions[version.action], changesIn(version, client),
    el("div.hint", value(signature(version)))))));

function changesIn({ changes }, client) {
  const [before, after] = ["from", "to"].map((side) =>
    flatten(Object.fromEntries(changes.map((change) => [change.field, change[side]]))));
  return FIELDS.filter(({ name }) => !same(before[name], after[name])).map((field) => {
    const [from, to] = [before, after].map((values) => values[field.name] ?? null);
    const text = inputText(field.kind === "user" ? owner(from) : from);
    const name = `${TEXT.use}: ${field.label}, ${text.slice(0, 60)}`;
    const use = client && isEditable(field) && !isUnset(from) && !same(from, client[field.name])
      ? button(TEXT.use, () => edit(client, field.name, from), "", name) : null;
    return el("div", el("span.hint", `${field.label}: `), shown(field, from, false), " → ", shown(field, to, false), use);
  });
}

/** Open the form of a client with another value for a field. */
function edit(client, name, given) {
  const draft = readDraft(client.id) ?? { id: client.id, base: client, values: client };
  writeDraft({ ...draft, values: { ...draft.values, [name]: given } });
  go(`#/client/${client.id}/edit`);
}

/** Restore a client and show the view again. Another window may have restored it already. */
export async function restore(id) {
  const { signal } = new AbortController(); // leaving the view does not stop it
  try {
    const client = await call("POST", `v1/clients/${id}/restore`, { signal }).catch((error) => {
      if (error.status !== 409) throw error;
    });
    await state.render();
    say(TEXT.restored, client && link(TEXT.open(isolate(fullName(client))), `#/client/${id}`));
  } catch (error) {
    state.showFailure(error, signal);
  }
}

/** A client that this person cannot find: who deleted it, and a button that restores it. Input is kept. */
export async function goneView(id, signal) {
  const versions = await readHistory(id, signal).catch(() => []);
  if (signal.aborted) return null;
  const [last] = versions;
  if (last && last.action !== "deleted") return state.render(); // restored meanwhile
  const form = `#/client/${id}/edit`;
  const openForm = () => (location.hash === form ? state.render() : go(form));
  return show(last ? TEXT.deletedOne : TEXT.notFound, {
    back: state.list ?? "#/", actions: last && button(TEXT.restore, () => restore(id), "main"),
  }, el("p", last ? signature(last) : TEXT.gone),
  el("p.note", readDraft(id) && [TEXT.draft, " ", button(TEXT.backToForm, openForm)]), last ? historyOf(versions) : "");
}
