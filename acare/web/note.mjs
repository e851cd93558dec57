// What is changed on a client's page itself: the status, and a note that is put before the others.

import { TEXT, label } from "./text.mjs";
import { FIELDS } from "./record.mjs";
import { explain, fullName } from "./values.mjs";
import { el, say, select, words } from "./dom.mjs";
import { call, remember, shortName, state } from "./requests.mjs";
import { dropDraft, readDraft, writeDraft } from "./drafts.mjs";
import { linked } from "./facts.mjs";

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

export function statusOf(client) {
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
export function notesOf(client) {
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
