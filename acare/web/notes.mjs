// The notes of a client, and the field for another one with the date of a follow-up.

import {
	dateOf,
	dueIn,
	dueText,
	fullName,
	offered,
	same,
	showDay,
	showTime,
	withDue,
} from "./values.mjs";
import { entries } from "./changes.mjs";
import { button, el, focusHeading, redraw, say, select, value } from "./dom.mjs";
import { newNote } from "./session.mjs";
import { drafts, dropDraft, readDraft, writeDraft } from "./place.mjs";
import { showSaved, update } from "./versions.mjs";

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

const sending = new Set(); // the ids of drafts
/** Save a draft: {text, due}. Its entry has the time and the author. The field is empty at once, for
 *  another note with a draft of its own. */
async function save(client, draft) {
	const text = draft.text.trim();
	// It stays the same one if this is tried again.
	draft.entry ??= text && newNote(text);
	writeDraft(draft);
	const drawField = () =>
		redraw(() => document.getElementById(`note:${client.id}`)?.replaceWith(noteField(client)));
	sending.add(draft.id);
	say("");
	focusHeading();
	drawField();
	try {
		const done = await update(client, (newest) => bodyFor(draft, newest));
		dropDraft(draft.id);
		showSaved(done);
	} finally {
		sending.delete(draft.id);
		drawField();
	}
}

/** The choice of a date instead of the one before: {node, read}. ``read`` returns undefined without
 *  one. */
function dueChoice(date, before) {
	const choice = select({ id: "follow-up", value: date && "other" }, [
		["", "No date"],
		...offered(),
		["other", "On…"],
	]);
	const given = { type: "date", "aria-label": "Date of the follow-up", value: date };
	const other = el("input", { ...given, min: dateOf() });
	const hint = el("span.hint.no-phone");
	const read = () => (choice.value === "other" ? other.value : choice.value) || undefined;
	const input = () => {
		other.hidden = other.disabled = choice.value !== "other";
		const instead = before ? `, instead of ${dueText(before)}` : "";
		hint.textContent = read() ? showDay(`${read()}T00:00`) + instead : "";
	};
	const label = el("label", { for: "follow-up" }, "Follow up");
	const node = el("span.follow-up", { input }, label, choice, other, hint);
	input();
	return { node, read };
}

/** What is typed is a draft until it is saved. */
export function noteField(client) {
	const field = `note:${client.id}`;
	const isOpen = (one) => one.id.startsWith(field) && !sending.has(one.id);
	const id = drafts().find(isOpen)?.id ?? `${field}:${new Date().toISOString()}`;
	const kept = readDraft(id);
	const given = { id: "note", placeholder: "What was said or agreed", value: kept?.text };
	const text = el("textarea", given);
	const due = dueChoice(kept?.due ?? "", dueIn(client.tags));
	const name = fullName(client);
	const address = `#/client/${client.id}`;
	const typed = () => ({ id, text: text.value, due: due.read(), label: name, address });
	const keep = () => (text.value.trim() || due.read() ? writeDraft(typed()) : dropDraft(id));
	const submit = (event) => {
		event.preventDefault();
		const draft = readDraft(id);
		return draft ? save(client, draft) : text.focus();
	};
	const done = () => save(client, { ...typed(), ...readDraft(id), due: due.read() ?? null });
	return el(
		"form.card.note-field",
		{ id: field, input: keep, submit },
		el("h2", el("label", { for: "note" }, "New note")),
		text,
		el(
			"div.bar",
			due.node,
			el(
				"span.end.bar",
				dueIn(client.tags) && button("Save and done", done),
				el("button.main", { id: "add-note" }, "Save note"),
			),
		),
	);
}

// --- the journal
/** A text with its web addresses as links. */
const linked = (text) =>
	text
		.split(/(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]'])/)
		.map((part, at) =>
			at % 2 ? el("a", { href: part, target: "_blank", rel: "noreferrer" }, part) : part,
		);

/** Notes line by line: each has a direction of its own. */
const lines = (notes) =>
	el(
		"div.lines",
		notes.split("\n").map((line) => el("div", { dir: "auto" }, linked(line), "\n")),
	);

const HEAD = /^(\d{4}-\d\d-\d\d \d\d:\d\d) (\S+): /;
/** A note below its time and author. */
function entryOf({ texts }) {
	const text = texts.join("\n\n");
	const { 0: head = "", 1: time, 2: author } = text.match(HEAD) ?? [];
	const at = new Date(time?.replace(" ", "T"));
	const when = head && Number.isNaN(at.getTime()) ? time : head && showTime(at);
	return el(
		"li",
		head && el("div.hint", `${when} · `, value(author)),
		lines(text.slice(head.length)),
	);
}

export const journalOf = ({ notes }) =>
	notes && el("section.card", el("h2", "Notes"), el("ol.entries", entries(notes).map(entryOf)));
