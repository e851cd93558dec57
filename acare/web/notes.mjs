// The notes of a client, and a field for another one.

import { fullName, label } from "./values.mjs";
import { el } from "./dom.mjs";
import { session, shortName } from "./session.mjs";
import { dropDraft, readDraft, writeDraft } from "./drafts.mjs";
import { showSaved, update } from "./changing.mjs";
import { linked } from "./history.mjs";

/** Save the text of a draft before the other notes, after the time and the author. */
async function save(client, draft) {
  // in the format of Swedish for all readers
  const time = new Date().toLocaleString("sv").slice(0, 16);
  // the same one if this is tried again
  draft.entry ??= `${time} ${shortName(session.me.email)}: ${draft.text.trim()}`;
  writeDraft(draft);
  const saved = await update(client, ({ notes }) =>
    notes?.includes(draft.entry)
      ? null
      : { notes: [draft.entry, notes].filter(Boolean).join("\n\n") },
  );
  dropDraft(draft.id);
  showSaved(saved);
}

/** What is typed is a draft until it is saved. */
function noteField(client) {
  const id = `note:${client.id}`;
  const [name, address] = [fullName(client), `#/client/${client.id}`];
  const text = el("textarea", {
    id: "note",
    rows: "1",
    "aria-label": "Add note",
    placeholder: "New note",
    value: readDraft(id)?.text,
  });
  const keep = () =>
    text.value.trim() ? writeDraft({ id, text: text.value, label: name, address }) : dropDraft(id);
  const submit = async (event) => {
    event.preventDefault();
    const draft = readDraft(id);
    if (!draft || text.readOnly) return text.focus();
    text.readOnly = true;
    await save(client, draft).finally(() => {
      text.readOnly = false;
    });
  };
  const add = el("button", { id: "add-note" }, "Add note");
  return el("form.note-field", { input: keep, submit }, text, add);
}

export const notesOf = (client) =>
  el(
    "section.card",
    el("h2", label("notes")),
    noteField(client),
    client.notes ? el("div.lines", { dir: "auto" }, linked(client.notes)) : null,
  );
