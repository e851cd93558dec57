// The notes of a client, and a field for another one with the date of a follow-up.

import { same } from "./record.mjs";
import { dueIn, offered, withDue } from "./due.mjs";
import { fullName, label } from "./values.mjs";
import { button, el, find, select } from "./dom.mjs";
import { session, shortName } from "./session.mjs";
import { dropDraft, readDraft, writeDraft } from "./drafts.mjs";
import { showSaved, update } from "./changing.mjs";
import { linked } from "./history.mjs";

/** The body of an update: a new entry before the other notes, and another follow-up or none. */
function bodyFor({ entry, due }, { notes, tags }) {
	const isNew = entry && !notes?.includes(entry);
	const next = due === undefined ? tags : withDue(tags, due);
	if (!isNew && same(next, tags)) return null;
	return {
		...(isNew && { notes: [entry, notes].filter(Boolean).join("\n\n") }),
		...(!same(next, tags) && { tags: next }),
	};
}

/** Save a draft: {text, due}. Its entry has the time and the author. */
async function save(client, draft) {
	const time = new Date().toLocaleString("sv").slice(0, 16); // in the format of Swedish for all readers
	const text = draft.text.trim();
	// It stays the same one if this is tried again.
	if (text) draft.entry ??= `${time} ${shortName(session.me.email)}: ${text}`;
	writeDraft(draft);
	const saved = await update(client, (newest) => bodyFor(draft, newest));
	dropDraft(draft.id);
	find("h1").focus({ preventScroll: true }); // for single keys
	showSaved(saved);
}

/** The choice of a date: {node, read, fill}. ``read`` returns undefined without one. */
function dueChoice() {
	const options = [["", "Follow up…"], ...offered().map(([text, date]) => [date, text])];
	const choice = select({ id: "due", "aria-label": "Follow up" }, [...options, ["other", "On…"]]);
	const other = el("input", { type: "date", "aria-label": "Date of the follow-up" });
	const showOther = () => {
		other.hidden = choice.value !== "other";
	};
	choice.addEventListener("input", showOther);
	const fill = (date) => {
		const isOffered = options.some(([value]) => value === (date ?? ""));
		choice.value = isOffered ? (date ?? "") : "other";
		other.value = date ?? "";
		showOther();
	};
	fill();
	const read = () => (choice.value === "other" ? other.value : choice.value) || undefined;
	return { node: el("div.follow-up", choice, other), read, fill };
}

/** What is typed is a draft until it is saved. */
function noteField(client) {
	const id = `note:${client.id}`;
	const [name, address] = [fullName(client), `#/client/${client.id}`];
	const kept = readDraft(id);
	const text = el("textarea", {
		id: "note",
		rows: "1",
		"aria-label": "Add note",
		placeholder: "New note",
		value: kept?.text,
	});
	const due = dueChoice();
	if (kept?.due) due.fill(kept.due);
	const typed = () => ({ id, text: text.value, due: due.read(), label: name, address });
	const keep = () => (text.value.trim() || due.read() ? writeDraft(typed()) : dropDraft(id));
	const send = async (draft) => {
		if (text.readOnly) return;
		text.readOnly = true;
		await save(client, draft).finally(() => {
			text.readOnly = false;
		});
	};
	const submit = (event) => {
		event.preventDefault();
		const draft = readDraft(id);
		return draft ? send(draft) : text.focus();
	};
	const done = () => send({ ...typed(), ...readDraft(id), due: due.read() ?? null });
	return el(
		"form.note-field",
		{ input: keep, submit },
		text,
		due.node,
		el("button", { id: "add-note" }, "Save note"),
		dueIn(client.tags) && button("Done", done, "", "Follow-up done"),
	);
}

/** Notes line by line: each has a direction of its own. */
const lines = (notes) =>
	el(
		"div.lines",
		notes.split("\n").map((line) => el("div", { dir: "auto" }, linked(line), "\n")),
	);

export const notesOf = (client) =>
	el(
		"section.card",
		el("h2", label("notes")),
		noteField(client),
		client.notes ? lines(client.notes) : null,
	);
