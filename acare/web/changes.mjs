// Changes as data: of one client by two persons, of two clients that are one, and of many clients.
// Independent of the document, so that Node can test it.

import {
	counted,
	fullName,
	isUnset,
	label,
	same,
	showNumber,
	valueOf,
	withDue,
} from "./values.mjs";
import { fieldsOf, nest, paragraphs, phrase } from "./record.mjs";

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
/** The entries of notes: [{time, texts}]. */
export function entries(notes) {
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

/** Whether two texts differ only in notation: in case, accents, spaces and punctuation, a name also in
 *  initials, a telephone number in its prefix. */
function isAlike({ name, kind }, ...texts) {
	if (!texts.every((text) => typeof text === "string")) return false;
	if (kind === "email") return texts[0].toLowerCase() === texts[1].toLowerCase();
	if (kind === "phone") {
		const numbers = texts.map((text) =>
			text.replace("(0)", "").replace(/\D/g, "").replace(/^0+/, ""),
		);
		const [short, long] = numbers.sort((a, b) => a.length - b.length);
		const isSame = long.endsWith(short) && short.length > 7 && long.length - short.length < 4;
		return isSame && !texts.some((text) => /\p{L}/u.test(text));
	}
	const [ours, others] = texts.map((text) => phrase(text).split(" "));
	if (ours.join("") === others.join("")) return ours[0] !== "";
	const isInitial = (one, two) => one[0] === two[0] && Math.min(one.length, two.length) === 1;
	const isWord = (word, at) => word === others[at] || isInitial(word, others[at]);
	return name === "name" && ours.length === others.length && ours.every(isWord);
}

/** How much of a text other notations lack: letters, accents and capitals. */
const fullness = (text) =>
	phrase(text).length + (text.normalize("NFD").match(/\p{Lu}(?=\p{Ll})|\p{M}/gu) ?? []).length;
const isNothing = ({ kind }, given) => isUnset(given) || (kind === "flag" && !given);

/** What becomes of a field in the merged client: [kind, value]. */
function joinField(field, mine, theirs) {
	const { name, kind } = field;
	if (same(mine, theirs) || name === "user_id") return ["equal", mine];
	if (kind === "lines") return ["joined", joinNotes(mine, theirs)];
	if (kind === "list") {
		const plain = (item) => String(item).toLowerCase();
		const known = (mine ?? []).map(plain);
		const added = (theirs ?? []).filter((item) => !known.includes(plain(item)));
		return ["joined", [...(mine ?? []), ...added]];
	}
	const [given, ...others] = [mine, theirs].filter((one) => !isNothing(field, one));
	if (!others.length) return [kind === "date" ? "joined" : "equal", given];
	if (!isAlike(field, mine, theirs)) return ["different", mine];
	const isFuller = kind === "text" && fullness(theirs) > fullness(mine);
	return ["notation", isFuller ? theirs : mine];
}

/** The fields that two clients have, and what becomes of them: [{field, sides, kind, value}]. ``kind`` is
 *  "different" if a person must choose between the sides, "joined", "notation" if the fuller one is
 *  taken, or "equal". ``entry`` is a note that names the other one. */
export function joinClients(mine, theirs, entry) {
	const states = [mine, theirs].map((state) => ({ ...state, name: fullName(state) }));
	const [, , ...others] = fieldsOf(...states); // the names are one field
	return [{ name: "name", label: label("name"), kind: "text" }, ...others]
		.map((field) => {
			const sides = states.map((state) => valueOf(state, field.name));
			const [kind, value] = joinField(field, ...sides);
			if (field.kind !== "lines") return { field, sides, kind, value };
			return { field, sides, kind: "joined", value: joinNotes(entry, value) };
		})
		.filter(({ field, value }) => !isNothing(field, value));
}

/** The merged client. */
export function mergedValues(rows, mine, theirs) {
	const values = Object.fromEntries(rows.map(({ field, value }) => [field.name, value]));
	const { name, ...others } = values;
	const { first_name, last_name } = name === fullName(mine) ? mine : theirs;
	return { ...mine, ...others, first_name, last_name };
}

// --- many clients
const isTag = (tag) => (other) => other.toLowerCase() === tag.toLowerCase();
const TAG = ["tag", "tags"];
/** The kinds of change: the text of its button, the question, the button of the dialog, what is set,
 *  the field, and its next value for a client. */
export const KINDS = {
	add: ["Add tag", "Add a tag to", "Add to", ...TAG, addTag],
	remove: ["Remove tag", "Remove a tag from", "Remove from", ...TAG, removeTag],
	status: ["Set status", "Set the status of", "Set for", "status", "status", (_, to) => to],
	owner: ["Set owner", "Set the owner of", "Set for", "owner", "user_id", (_, to) => to],
	due: ["Follow up", "Set the follow-up of", "Set for", "follow-up", "tags", setDue],
};
function addTag({ tags }, tag) {
	return tags.some(isTag(tag)) ? tags : [...tags, tag];
}
function removeTag({ tags }, tag) {
	return tags.filter((other) => !isTag(tag)(other));
}
function setDue({ tags }, date) {
	return withDue(tags, date);
}

/** What is sent for the clients that the change affects: [{client, path, body, back}]. */
export function jobsFor(kind, value, clients) {
	const [field, next] = KINDS[kind].slice(-2);
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
/** What the rate limit of an answer allows: {free, perSecond}, requests at once, without the reserve,
 *  and then. ``rate`` is {limit, remaining, reset, at}. */
const paceOf = ({ limit, remaining, reset }) => ({
	free: remaining - Math.min(RESERVE, Math.floor(limit / 2)),
	perSecond: reset > 0 ? (limit - remaining) / reset : limit / 900,
});
/** The seconds until ``count`` more requests are free; 0 if there is no limit. */
export function secondsFor(count, rate, now = Date.now()) {
	if (!rate) return 0;
	const { free, perSecond } = paceOf(rate);
	if (count <= free) return 0;
	return Math.max(0, Math.ceil((count - free) / perSecond - (now - rate.at) / 1000));
}
/** How long many changes take; nothing if the limit has room for them. */
export function paceText(count, rate) {
	const minutes = Math.ceil(secondsFor(count, rate) / 60);
	if (!minutes) return "";
	const { free, perSecond } = paceOf(rate);
	return `The rate limit allows ${showNumber(Math.max(free, 0))} at once, then about ${Math.round(perSecond * 60)} a minute: about ${counted(minutes, "minute")}.`;
}
