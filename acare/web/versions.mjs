// The versions of a client: its history, the values of its fields as a person reads them, and the
// requests that make a new one.

import {
	fullName,
	isolate,
	isUnset,
	label,
	listAddress,
	same,
	showDay,
	showNumber,
	showTime,
} from "./values.mjs";
import { fieldsOf, flatten, inputText, isAddition } from "./record.mjs";
import { joinNotes } from "./changes.mjs";
import {
	ask,
	badge,
	button,
	copy,
	currency,
	el,
	link,
	mail,
	no,
	phone,
	redraw,
	say,
	undoButton,
	value,
	yes,
} from "./dom.mjs";
import { call, isEditable, keepOpen, nameOf, owner, person, signature } from "./session.mjs";
import { finish, place, readDraft, remember, results, selected, writeDraft } from "./place.mjs";

const LINKS = { email: mail, phone };
const copyBefore = ({ target }) => {
	copy(target.previousElementSibling);
	say("Copied.");
};

/** A value as a person reads it. */
export function shown(field, given, links = true) {
	if (isUnset(given)) return el("span.unset", "–");
	if (links && LINKS[field.kind]) {
		return [
			LINKS[field.kind](given),
			" ",
			button("Copy", copyBefore, "quiet no-phone", `Copy: ${field.label}`),
		];
	}
	if (field.kind === "choice") return badge(given);
	if (field.kind === "date") return showDay(`${given}T00:00`);
	if (field.kind === "user") return person(owner(given));
	if (typeof given === "boolean") return given ? "Yes" : "No";
	if (typeof given === "number")
		return showNumber(given, undefined, field.kind === "money" ? currency : undefined);
	if (field.name === "tags" && links) {
		const filter = (tag) => link(value(tag), listAddress({ tag }), "tag");
		return el("span.tags", given.map(filter));
	}
	const isJson = field.kind === "detail" && typeof given === "object";
	return Object.assign(value(isJson ? JSON.stringify(given) : inputText(given)), {
		className: field.kind ?? "",
	});
}

export const readHistory = (id, signal, before = "") =>
	call("GET", `v1/clients/${id}/history${before && `?before=${before}`}`, { signal });

/** The changes of a client, newest first: five, then more on demand. An earlier value can be put into
 *  the form, if the client is not deleted. */
export function historyOf(id, { versions, meta }, client = null, limit = 5) {
	const showMore = async () => {
		const page =
			limit < versions.length ? null : await readHistory(id, undefined, versions.at(-1).version);
		const all = page ? { ...page, versions: [...versions, ...page.versions] } : { versions, meta };
		redraw(() => section.replaceWith(historyOf(id, all, client, limit + 20)));
	};
	const more = { id: "older", type: "button", click: showMore };
	const section = el(
		"section.card",
		el("h2", "History"),
		el(
			"ol.history.entries",
			versions.slice(0, limit).map((version) => entry(version, client)),
		),
		(limit < versions.length || meta.hasMore) && el("button.quiet", more, "Show older changes"),
	);
	return section;
}

function entry({ action, changes, by, at }, client) {
	// else its changes say it
	const isNamed = ["created", "imported", "deleted", "restored"].includes(action);
	const side = (name) =>
		flatten(Object.fromEntries(changes.map((change) => [change.field, change[name]])));
	const before = side("from");
	const after = side("to");
	const rows = fieldsOf(before, after).map((field) => {
		const from = before[field.name] ?? null;
		const to = after[field.name] ?? null;
		if (same(from, to)) return null;
		const text = [el("span.muted", `${field.label}: `), changed(field, from, to)];
		return el("div", text, client && useOf(field, from, to, client));
	});
	return el(
		"li",
		el("div.hint", `${showTime(at)} · `, by ? person(by) : nameOf(by)),
		isNamed ? label(action) : null,
		rows,
	);
}

/** What was changed in a field; of notes with one put before them, or taken away, only that one. */
export function changed(field, from, to) {
	if (field.kind === "lines") {
		const [old, current] = [from ?? "", to ?? ""];
		const isLonger = current.endsWith(old);
		const [sign, more, less] = isLonger ? ["+", current, old] : ["−", old, current];
		if (more.endsWith(less))
			return [`${sign} `, value(more.slice(0, more.length - less.length).trim())];
	}
	return [shown(field, from, false), " → ", shown(field, to, false)];
}

/** The button that puts an earlier value into the form, where it is marked. A change that only
 *  added a note has nothing to bring back. */
function useOf(field, from, to, client) {
	const values = flatten(client);
	if (!isEditable(field) || isUnset(from) || same(from, values[field.name])) return null;
	const isNotes = field.kind === "lines";
	if (isNotes && isAddition(from, to)) return null;
	const use = () => {
		const draft = readDraft(client.id) ?? { id: client.id, base: values, values };
		const notes = { ...draft.notes, [field.name]: { isMarked: true } };
		const given = isNotes ? joinNotes(from, values.notes) : from; // later notes stay
		writeDraft({ ...draft, values: { ...draft.values, [field.name]: given }, notes });
		say("");
		location.assign(`#/client/${client.id}/edit`);
	};
	const text = el("p", shown(field, from, false)).textContent.slice(0, 60);
	return button("Use old value", use, "quiet", `Use old value: ${field.label}, ${text}`);
}

// --- new versions
/** Restore a client and show the view again, if it has not been left. Another window may have
 *  restored it already. */
export async function restore(id) {
	const { address } = place;
	const client = await call("POST", `v1/clients/${id}/restore`).catch((error) => {
		if (error.status !== 409) throw error;
	});
	Object.assign(results, { id, scroll: scrollY });
	if (address === place.address) await place.render();
	say(
		"The client was restored.",
		client && link(`Open ${isolate(fullName(client))}`, `#/client/${id}`),
	);
}

export async function remove(client, signal) {
	const name = isolate(fullName(client));
	if (
		!(await ask(`Delete ${name}?`, el("p", "You can restore it under Deleted clients."), [
			yes("Delete", "danger main"),
			no(),
		]))
	)
		return;
	try {
		await call("DELETE", `v1/clients/${client.id}`, {
			version: client.version,
			signal,
		});
	} catch (error) {
		if (![404, 412].includes(error.status)) throw error;
		await place.render(); // shows who deleted or changed it
		const { changedBy, changedAt } = error.details ?? {}; // of a change
		if (changedAt)
			say(
				`Not deleted: the client was changed (${signature(changedBy, changedAt)}). Check it first.`,
			);
		return;
	}
	const at = results.clients.findIndex(({ id }) => id === client.id);
	forget(client.id);
	// the row that is in its place now
	results.id = results.clients[Math.min(at, results.clients.length - 1)]?.id;
	finish(
		client.id,
		`${name} was deleted.`,
		place.list ?? "#/",
		undoButton(() => restore(client.id)),
	);
}

/** Forget a client that was deleted. */
export function forget(deleted) {
	results.clients = results.clients.filter(({ id }) => id !== deleted);
	selected.delete(deleted);
	place.countDue();
}

/** Change a client: {saved, undo}. ``change`` gets its newest state and returns the body, or null if
 *  nothing is left to do: it is called again if another person has changed the client meanwhile. What
 *  was changed by this has an ``undo``. */
export async function update(client, change) {
	const path = `v1/clients/${client.id}`;
	const body = change(client);
	if (!body) return { saved: client };
	try {
		const saved = await keepOpen(call("PUT", path, { body, version: client.version }));
		const before = Object.keys(body).map((name) => [name, client[name]]);
		return { saved, undo: () => revert(saved, saved, Object.fromEntries(before)) };
	} catch (error) {
		if (error.status !== 412) throw error;
		return update(await call("GET", path), change);
	}
}

/** The error of an undo of what another person has changed since. */
export const changedSince = () =>
	Object.assign(new Error("Not undone: the client was changed in the meantime."), { status: 412 });

/** Give a client back what it had before it was saved, if that is still as it was saved. */
export async function revert(newest, saved, before) {
	const { saved: reverted } = await update(newest, (client) => {
		const has = (values) => Object.keys(before).every((name) => same(client[name], values[name]));
		if (has(before)) return null;
		if (!has(saved)) throw changedSince();
		return before;
	});
	return reverted;
}

/** The button that undoes an update, if that has changed anything. */
export const undoUpdate = ({ saved, undo }) =>
	undo &&
	undoButton(async () =>
		showSaved({ saved: await undo() }, `Undone: ${isolate(fullName(saved))}.`),
	);

/** Show what became of a client, as ``update`` returns it, with its undo. */
export function showSaved(done, text = "Saved.") {
	remember(done.saved);
	say(text, undoUpdate(done));
	place.refresh?.();
	place.countDue();
}
