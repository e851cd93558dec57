// A client: its status, notes, facts and history, and deleting it.

import { TEXT, label } from "./text.mjs";
import { FIELDS } from "./record.mjs";
import { explain, fullName, isolate } from "./values.mjs";
import { ask, badge, button, el, link, redraw, say, select, show, words } from "./dom.mjs";
import {
  call, draftNote, dropDraft, finish, readDraft, ready, remember, shortName, state, writeDraft,
} from "./requests.mjs";
import { factsOf, goneView, historyOf, linked, readHistory, restore, signature } from "./history.mjs";

/** A client is drawn at once if the list has it, and again if it has changed meanwhile. */
export async function clientView({ id }, signal) {
  const known = state.me && [state.latest, ...state.place.clients].find((client) => client?.id === id);
  if (known?.deletedAt) return goneView(id, signal);
  const past = el("div.past");
  let version = null; // the one that is shown
  const draw = (client) => {
    ({ version } = client);
    remember(client);
    drawClient(client, past, signal);
  };
  if (known) draw(known);
  const load = async () => {
    const headers = version ? { "If-None-Match": `"${version}"` } : {};
    const reading = readHistory(id, signal); // meanwhile
    reading.catch(() => {}); // thrown below
    const [client] = await Promise.all([call("GET", `v1/clients/${id}`, { headers, signal }), ready(signal)]);
    if (client && version) redraw(() => draw(client));
    else if (client) draw(client);
    if (client || !past.hasChildNodes()) past.replaceChildren(historyOf(await reading, id, client ?? known));
  };
  state.refresh = load;
  await load();
}

function drawClient(client, past, signal) {
  const edit = `#/client/${client.id}/edit`;
  show(fullName(client), {
    back: state.list ?? "#/", badges: [badge(client.client_type), statusOf(client)],
    actions: [link(TEXT.edit, edit, "button main"), button(TEXT.remove, () => remove(client, signal), "danger")],
  }, draftNote(...(readDraft(client.id) ? [link(TEXT.resume, edit)] : [])),
  el("div.columns", el("div", notesOf(client), factsOf(client)), past));
}

async function remove(client, signal) {
  const name = isolate(fullName(client));
  const answers = [[TEXT.remove, true, "danger main"], [TEXT.cancel, false]];
  if (!await ask(TEXT.removeTitle(name), el("p", TEXT.removeHint), answers)) return;
  try {
    await call("DELETE", `v1/clients/${client.id}`, { headers: { "If-Match": `"${client.version}"` }, signal });
  } catch (error) {
    if (error.status === 412) return state.render().then(() => say(TEXT.removeStale(signature(error.details))));
    return state.showFailure(error, signal);
  }
  const { place } = state;
  const at = place.clients.findIndex(({ id }) => id === client.id);
  place.clients = place.clients.filter(({ id }) => id !== client.id);
  place.id = place.clients[Math.min(at, place.clients.length - 1)]?.id; // the row that is in its place now
  finish(client.id, TEXT.removed(name), state.list ?? "#/", button(TEXT.undo, () => restore(client.id)), 10);
}

/** Change a client and return it. ``change`` gets its newest state and returns the body, or null if nothing is left to
 *  do: it is called again if another person has changed the client meanwhile. Leaving the view does not stop this. */
async function update(client, change) {
  const [path, { signal }] = [`v1/clients/${client.id}`, new AbortController()];
  for (let newest = client; ;) {
    const body = change(newest);
    if (!body) return newest;
    try {
      return await call("PUT", path, { body, headers: { "If-Match": `"${newest.version}"` }, signal });
    } catch (error) {
      if (error.status !== 412) throw error;
    }
    newest = await call("GET", path, { signal });
  }
}

function showSaved(client) {
  remember(client);
  say(TEXT.saved);
  state.refresh?.();
}

function statusOf(client) {
  const change = ({ target: { value: status } }) =>
    update(client, (newest) => (newest.status === status ? null : { status })).then(showSaved, (error) => {
      control.value = client.status;
      say(explain(error));
    });
  const control = select({ id: "status", class: `badge ${client.status}`, "aria-label": label("status"), change },
    words(FIELDS.find(({ name }) => name === "status")));
  control.value = client.status;
  return control;
}

/** A new note begins with the time, for all readers in one format, and the author. */
function entryOf(text) {
  const now = new Date();
  const local = new Date(now - now.getTimezoneOffset() * 60_000).toISOString();
  return `${local.slice(0, 10)} ${local.slice(11, 16)} ${shortName(state.me.email)}: ${text}`;
}

/** The notes of a client, and a field for another one. What is typed is a draft until it is saved. */
function notesOf(client) {
  const id = `note:${client.id}`;
  const text = el("textarea", { id: "note", rows: "1", "aria-label": TEXT.addNote, placeholder: TEXT.noteHint });
  text.value = readDraft(id)?.text ?? "";
  const keep = () => (text.value.trim()
    ? writeDraft({ id, text: text.value, label: fullName(client), address: `#/client/${client.id}` }) : dropDraft(id));
  const problem = el("p.problem", { role: "alert" });
  const submit = async (event) => {
    event.preventDefault();
    const draft = readDraft(id);
    if (!draft || text.readOnly) return text.focus();
    draft.entry ??= entryOf(draft.text.trim()); // the same one if this is tried again
    writeDraft(draft);
    text.readOnly = true;
    try {
      const saved = await update(client, ({ notes }) => (notes?.includes(draft.entry) ? null
        : { notes: [draft.entry, notes].filter(Boolean).join("\n\n") }));
      dropDraft(id);
      showSaved(saved);
    } catch (error) {
      problem.textContent = explain(error);
      text.readOnly = false;
    }
  };
  const form = el("form.note-field", { input: keep, submit }, text, el("button", { id: "add-note" }, TEXT.addNote), problem);
  return el("section.card", el("h2", label("notes")), form,
    client.notes ? el("div.lines", { dir: "auto" }, linked(client.notes)) : null);
}
