// Two clients that are one person: what the merged client has.

import { FIELDS, flatten, same } from "./record.mjs";
import { dueIn } from "./due.mjs";

/** An entry of notes begins with its time; what has no time belongs to the entry before it. */
const DATED = /^\d{4}-\d\d-\d\d \d\d:\d\d/;
function entries(notes) {
	const found = [];
	for (const text of (notes ?? "").split(/\n\s*\n/).filter((part) => part.trim())) {
		const [time] = text.match(DATED) ?? [""];
		if (time || !found.length) found.push({ time, texts: [text] });
		else found.at(-1).texts.push(text);
	}
	return found;
}

/** The notes of both, newest first, each entry once; those without a time come last. */
export function joinNotes(...notes) {
	const all = notes.flatMap(entries).map(({ time, texts }) => ({ time, text: texts.join("\n\n") }));
	const distinct = all.filter(({ text }, at) => all.findIndex((one) => one.text === text) === at);
	return distinct
		.sort((a, b) => b.time.localeCompare(a.time))
		.map(({ text }) => text)
		.join("\n\n");
}

const isEmpty = (given) =>
	given === null || given === undefined || given === "" || same(given, []) || same(given, {});
const KEPT = ["status", "user_id", "pre_approved"]; // the survivor's

/** What a field has in the merged client: {value}, with both values as ``choices`` if they differ. */
function joinField({ name, kind }, [mine, theirs]) {
	if (isEmpty(theirs) || same(mine, theirs) || KEPT.includes(name)) return { value: mine };
	if (isEmpty(mine)) return { value: theirs, isFilled: true };
	if (kind === "list") return { value: [...new Set([...mine, ...theirs])], isFilled: true };
	if (kind === "lines") return { value: joinNotes(mine, theirs), isFilled: true };
	if (kind === "details") return { value: { ...theirs, ...mine }, isFilled: true };
	if (kind === "date") return { value: dueIn([`due:${mine}`, `due:${theirs}`]) };
	return { value: mine, choices: [mine, theirs] };
}

/** The survivor with what the other client adds, and what is to be said at its fields: {values,
 *  notes}. ``entry`` is a note that names the other one. */
export function joinClients(survivor, other, entry) {
	const [mine, theirs] = [survivor, other].map(flatten);
	const joined = FIELDS.map((field) => [
		field,
		joinField(field, [mine[field.name], theirs[field.name]]),
	]);
	const values = Object.fromEntries(joined.map(([{ name }, { value }]) => [name, value ?? null]));
	const told = joined.filter(([, { choices, isFilled }]) => choices || isFilled);
	return {
		values: { ...mine, ...values, notes: joinNotes(entry, values.notes) },
		differing: told.map(([field, { choices = null }]) => ({ field, choices })),
	};
}

/** The problems of values that no choice may have: [{field, message}], as the server names them. */
export function overLimits({ notes, tags, preferred_locations: places, due, ...values }) {
	const { budget_min: low, budget_max: high } = values;
	const tooMany = (list, room) => (list ?? []).length > room;
	return [
		[...(notes ?? "")].length > 10_000 && {
			field: "notes",
			message: `must have at most 10000 characters; these are ${[...notes].length}`,
		},
		tooMany(tags, due ? 49 : 50) && { field: "tags", message: "must have at most 50 entries" },
		tooMany(places, 50) && {
			field: "preferred_locations",
			message: "must have at most 50 entries",
		},
		typeof low === "number" && typeof high === "number" && low > high
			? { field: "budget_min", message: "must not be more than budget_max" }
			: null,
	].filter(Boolean);
}
