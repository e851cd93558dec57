// Changes as data: of one client by two persons, of two clients that are one, and of many clients.
// Independent of the document, so that Node can test it.

import { isUnset, same, valueOf } from "./values.mjs";
import { fieldsOf, flatten, nest, paragraphs } from "./record.mjs";

// --- two persons' changes of one client
/** The fields in which two changed clients differ: [{field, base, mine, theirs, kind}]. ``kind``
 *  says who changed it: "mine", "theirs" or, if both did, "conflict". */
export function merge(...states) {
	return fieldsOf(...states).flatMap((field) => {
		const [base, mine, theirs] = states.map((state) => state[field.name] ?? null);
		const kind = same(base, theirs) ? "mine" : same(base, mine) ? "theirs" : "conflict";
		return same(mine, theirs) ? [] : [{ field, base, mine, theirs, kind }];
	});
}

/** The client with both persons' changes, and with mine where there is a conflict. */
export const combine = (theirs, rows) => ({
	...theirs,
	...Object.fromEntries(
		rows.filter(({ kind }) => kind !== "theirs").map(({ field, mine }) => [field.name, mine]),
	),
});

/** The body of an update: the fields that differ. */
export function changes(base, values) {
	const [before, after] = [base, values].map(nest);
	const differing = Object.entries(after).filter(([name, given]) => !same(before[name], given));
	return Object.fromEntries(differing);
}

// --- two clients that are one person
/** An entry of notes begins with its time; what has no time belongs to the entry before it. */
const DATED = /^\d{4}-\d\d-\d\d \d\d:\d\d/;
function entries(notes) {
	const found = [];
	for (const text of paragraphs(notes)) {
		const [time] = text.match(DATED) ?? [""];
		if (time || !found.at(-1)?.time) found.push({ time, texts: [text] });
		else found.at(-1).texts.push(text);
	}
	return found;
}

/** The notes of both, newest first; those without a time come last. Of an entry that ours have, only
 *  what they have not. */
export function joinNotes(ours, theirs) {
	const known = paragraphs(ours);
	const isNew = (text) => !known.includes(text);
	const others = entries(theirs).map(({ time, texts }) => ({
		time,
		texts: isNew(texts[0]) ? texts : texts.filter(isNew),
	}));
	return [...entries(ours), ...others]
		.sort((a, b) => b.time.localeCompare(a.time))
		.flatMap(({ texts }) => texts)
		.join("\n\n");
}

/** The values that a field can have in the merged client: several, if one must be chosen. */
function joinField({ name, kind }, mine, theirs) {
	if (isUnset(theirs) || same(mine, theirs) || name === "user_id") return [mine];
	if (isUnset(mine)) return [theirs];
	if (kind === "list") return [[...new Set([...mine, ...theirs])]];
	return kind === "lines" ? [joinNotes(mine, theirs)] : [mine, theirs];
}

/** The survivor with what the other client adds, and the fields that differ: {values, differing}.
 *  ``entry`` is a note that names the other one. */
export function joinClients(survivor, other, entry) {
	const states = [survivor, other].map(flatten);
	const joined = fieldsOf(...states).map((field) => ({
		field,
		choices: joinField(field, ...states.map((state) => valueOf(state, field.name))),
	}));
	const values = joined.map(({ field, choices }) => [field.name, choices[0]]);
	const { notes, ...others } = Object.fromEntries(values);
	return {
		values: { ...states[0], ...others, notes: joinNotes(entry, notes) },
		differing: joined.filter(({ choices }) => choices.length > 1),
	};
}

/** The problems of values that no choice may have: [{field, message}], as the server names them. */
export function overLimits({ notes, tags, preferred_locations: places, due }) {
	const counts = [
		["notes", [...(notes ?? "")].length, 10_000, "characters"],
		["tags", (tags ?? []).length + (due ? 1 : 0), 50, "entries"],
		["preferred_locations", (places ?? []).length, 50, "entries"],
	];
	return counts
		.filter(([, count, max]) => count > max)
		.map(([field, count, max, parts]) => ({
			field,
			message: `must have at most ${max} ${parts}; these are ${count}`,
		}));
}

// --- many clients
/** The kinds of change: the text, the field, and its next value for a client. */
export const KINDS = {
	add: {
		text: "Add a tag",
		field: "tags",
		next: ({ tags }, tag) => [...new Set([...tags, tag])],
	},
	remove: {
		text: "Remove a tag",
		field: "tags",
		next: ({ tags }, tag) => tags.filter((one) => one !== tag),
	},
	status: { text: "Set the status", field: "status", next: (_, status) => status },
	owner: { text: "Set the owner", field: "user_id", next: (_, owner) => owner },
};

/** What is sent for the clients that the change affects: [{client, path, body, back}]. */
export function jobsFor(kind, value, clients) {
	const { field, next } = KINDS[kind];
	const path = ({ id }) => `v1/clients/${id}${kind === "owner" ? "/owner" : ""}`;
	return clients
		.map((client) => [client, client[field], next(client, value)])
		.filter(([, before, after]) => !same(before, after))
		.map(([client, before, after]) => ({
			client,
			path: path(client),
			body: { [field]: after },
			back: { [field]: before },
		}));
}
/** What undoes jobs that were done: each with the client as it was saved. */
export const undoing = (done) =>
	done.map(({ client, path, body, back }) => ({ client, path, body: back, back: body }));

/** How many requests of the limit stay for the person who works meanwhile. */
const RESERVE = 50;
/** The seconds until ``count`` more requests leave the reserve, from the headers of an answer:
 *  {limit, remaining, reset, at}, or null if there is no limit. */
export function secondsFor(count, rate, now = Date.now()) {
	if (!rate) return 0;
	const { limit, remaining, reset, at } = rate;
	const missing = count + Math.min(RESERVE, Math.floor(limit / 2)) - remaining;
	if (missing <= 0) return 0;
	const perSecond = reset > 0 ? (limit - remaining) / reset : limit / 900;
	return Math.max(0, Math.ceil(missing / perSecond - (now - at) / 1000));
}
