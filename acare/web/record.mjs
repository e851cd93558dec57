// Clients as data: their fields, forms, matches and contacts. Independent of the document, so that Node
// can test it.

import {
	amountIn,
	dueIn,
	label,
	plainTags,
	numberIn,
	readNumber,
	same,
	sentence,
	showNumber,
	sizeIn,
	withDue,
} from "./values.mjs";

// --- fields
/** The fields of a client in the order of the page, by the parts of its form: [name, kind,
 *  options]. */
const PARTS = {
	Person: [
		["first_name", "text"],
		["last_name", "text"],
		["phone", "phone"],
		["email", "email"],
	],
	Relation: [
		["client_type", "choice", ["buyer", "seller", "both"]],
		["status", "choice", ["active", "inactive", "closed"]],
		["user_id", "user"],
		["source", "text"],
	],
	"Search profile": [
		["budget_min", "money"],
		["budget_max", "money"],
		["pre_approval_amount", "money"],
		["pre_approved", "flag"],
		["preferred_locations", "list"],
		["property_types", "list"],
		["bedrooms_min", "number"],
		["bathrooms_min", "number"],
		["square_feet_min", "size"],
	],
	Next: [
		["tags", "list"],
		["due", "date"],
		["notes", "lines"],
	],
};
/** How the text of a kind of field becomes a number. */
export const NUMBERS = { number: numberIn, money: amountIn, size: sizeIn };
const REQUIRED = ["first_name", "last_name", "client_type"];
/** A field is {name, label, kind, options, required, part}. */
export const FIELDS = Object.entries(PARTS).flatMap(([part, fields]) =>
	fields.map(([name, kind, options]) => ({
		name,
		label: label(name),
		kind,
		options,
		required: REQUIRED.includes(name),
		part,
	})),
);

const MEMBERS = ["bedrooms_min", "bathrooms_min", "square_feet_min", "property_types"];
const DETAIL = "detail:";
/** A client as the page has it: the members of property_preferences, and the follow-up among the
 *  tags, are fields beside them. Other members than the known ones are details. */
export function flatten({ property_preferences: given, ...client }) {
	const { tags } = client;
	const members = Object.keys(given ?? {}).map((name) => [
		MEMBERS.includes(name) ? name : DETAIL + name,
		given[name],
	]);
	return {
		...client,
		...(tags && { tags: plainTags(tags), due: dueIn(tags) }),
		...Object.fromEntries([...MEMBERS.map((name) => [name, null]), ...members]),
	};
}
/** The client as the API has it. */
export function nest({ due, ...values }) {
	const isKnown = ([name]) => MEMBERS.includes(name);
	const isDetail = ([name]) => name.startsWith(DETAIL);
	const fields = Object.entries(values);
	const details = fields
		.filter(isDetail)
		.map(([name, given]) => [name.slice(DETAIL.length), given]);
	const members = fields.filter((field) => isKnown(field) && field[1] !== null);
	return {
		...Object.fromEntries(fields.filter((field) => !isKnown(field) && !isDetail(field))),
		...((values.tags || due) && { tags: withDue(values.tags ?? [], due) }),
		property_preferences: Object.fromEntries([...details, ...members]),
	};
}
/** The fields of clients, and a field for each detail that one of these has. */
export function fieldsOf(...clients) {
	const names = clients.flatMap(Object.keys).filter((name) => name.startsWith(DETAIL));
	const details = [...new Set(names)].map((name) => ({
		name,
		label: label(name.slice(DETAIL.length)),
		kind: "detail",
		part: "Search profile",
	}));
	return [...FIELDS, ...details];
}

// --- forms
/** An entry of a list: in quotes with anything (a quote twice), or up to the next comma. A comma
 *  before the two letters of a state belongs to a location, as in "Bakersfield, CA". */
const ENTRY = /"(?:[^"]|"")*"(?=\s*(?:,|$))|[^\s,][^,]*/g;
const LOCATION = /"(?:[^"]|"")*"(?=\s*(?:,|$))|[^\s,](?:[^,]|,(?=\s*[A-Z]{2}\s*(?:,|$)))*/g;
const readEntry = (text) =>
	/^".*"$/s.test(text) ? text.slice(1, -1).replaceAll('""', '"') : text.trim();
export const readList = (text, name) =>
	(text.match(name === "preferred_locations" ? LOCATION : ENTRY) ?? []).map(readEntry);
const showEntry = (entry, name) =>
	same(readList(`x,${entry}`, name), ["x", entry])
		? entry
		: `"${String(entry).replaceAll('"', '""')}"`;

/** The text of an input for a value. */
export function inputText(value, name) {
	if (Array.isArray(value)) return value.map((entry) => showEntry(entry, name)).join(", ");
	return value !== null && typeof value === "object" ? JSON.stringify(value) : showNumber(value);
}

/** The values in a form: {name: value}. Fields that were not edited keep the values that were
 *  given. */
export const readFields = (form, given) =>
	Object.fromEntries(
		FIELDS.map((field) => [field.name, readField(field, form, given[field.name] ?? null)]),
	);

function readField({ name, kind, required }, form, given) {
	if (kind === "flag") return form.has(name) || (given && false);
	if (!form.has(name)) return given;
	const text = form.get(name);
	if (text === inputText(given, name).replace(/\r\n?/g, "\n")) return given;
	if (kind === "list") return readList(text, name);
	return NUMBERS[kind]
		? readNumber(text, undefined, NUMBERS[kind])
		: text.trim() || (required ? "" : null);
}

/** What is said at the fields whose values a server has refused, from its problems and what it finds
 *  only later: {name: {text, isInvalid}}. */
export function problemsOf(reported, values) {
	const problems = reported.toReversed().map((problem) => {
		// the first of a field counts
		const [, member, rule] = problem.message.match(/^is invalid: ([a-z]\S*) (.*)$/s) ?? [];
		if (values[problem.field] === "") return { ...problem, message: "is required" };
		return MEMBERS.includes(member) ? { field: member, message: rule } : problem;
	});
	const budgets = [values.budget_min, values.budget_max];
	if (budgets.every((amount) => typeof amount === "number") && budgets[0] > budgets[1])
		problems.unshift({ field: "budget_min", message: "must not be more than budget_max" });
	const said = problems.map((problem) => [
		problem.field,
		{ text: sentence(problem), isInvalid: true },
	]);
	return Object.fromEntries(said);
}

// --- finding
const PLAIN = { ł: "l", ø: "o", đ: "d", ı: "i" };
/** A word without case and accents. (Intl.Collator delays the first view.) */
const bare = (word) =>
	word
		.toLowerCase()
		.normalize("NFD")
		.replace(/\p{M}|[łøđı]/gu, (letter) => PLAIN[letter] ?? "");
const WORDS = /[\p{L}\p{N}]+/gu;
/** Where a word of a text begins with another word, or undefined. */
const placeOf = (text, word) =>
	[...text.normalize().matchAll(WORDS)].find((other) => bare(other[0]).startsWith(bare(word)))
		?.index;

/** The words of a text, to compare. */
export const phrase = (text) => (text.match(WORDS) ?? []).map(bare).join(" ");

const textsIn = (client, name) =>
	name === "tags" ? plainTags(client.tags ?? []) : [client[name] ?? []].flat();

/** The first field that the list does not show and that a word of the search matches: {name, text},
 *  or null. */
export function hiddenMatch(client, search) {
	const shown = [client.first_name, client.last_name, client.phone].join(" ");
	const digits = (client.phone ?? "").replace(/\D/g, "");
	const isShown = (word) =>
		placeOf(shown, word) !== undefined || (/^\d+$/.test(word) && digits.includes(word));
	const word = search
		.normalize()
		.match(WORDS)
		?.find((one) => !isShown(one));
	const texts = ["email", "tags", "preferred_locations", "notes"].flatMap((name) =>
		textsIn(client, name).map((text) => ({ name, text, place: word && placeOf(text, word) })),
	);
	const { name, text, place } = texts.find((one) => one.place !== undefined) ?? {};
	if (!name) return null;
	const from = Math.max(0, place - 30);
	return {
		name,
		text: `${from ? "…" : ""}${text.slice(from, from + 90)}${from + 90 < text.length ? "…" : ""}`,
	};
}

/** The fields of the new client whom a search has not found. */
export function typedFields(search) {
	const email = search.match(/\S+@\S*/)?.[0];
	const others = email ? search.replace(email, " ") : search;
	const isNumber = (text) => text.replace(/\D/g, "").length > 4 || text === others.trim();
	const runs = others.match(/[+(]*\d[\d\s()+./-]*/g) ?? [];
	const phone = runs.map((text) => text.trim()).find(isNumber);
	const names = (phone ? others.replace(phone, " ") : others).trim();
	const [first, ...last] = names
		.replace(/(?<![\p{L}\p{M}])\p{Ll}/gu, (letter) => letter.toUpperCase())
		.split(/\s+/);
	return {
		...(names && { first_name: first, last_name: last.join(" ") }),
		...(email && { email }),
		...(phone && { phone }),
	};
}

// --- notes
/** The paragraphs of notes. */
export const paragraphs = (notes) =>
	(notes ?? "")
		.split(/\n\s*\n/)
		.map((text) => text.trim())
		.filter(Boolean);
/** Whether a change of notes has only added to them. */
export const isAddition = (from, to) => Boolean(to?.endsWith(from) || to?.startsWith(from));

// --- telephone numbers
const NUMBER = /([+(]*[\d*#](?:[\s().\u2010-\u2015-]*[\d*#])*)/;
/** The digits of a complete number; it may be written in groups, as in 040/2081992. */
const COMPLETE = 7;
const digits = (text) => text.replace(/\D/g, "");
/** A "(0)" after a country code is written for callers from within the country alone. */
const dialled = (text) =>
	(/^[(]*(\+|00)/.test(text) ? text.replace("(0)", "") : text).replace(/[^\d+*#]/g, "");

/** A text in parts: [{text, dial}]. ``dial`` is only there for a complete number or, if the text
 *  has none, for the first digits. */
export function numbersIn(text) {
	const parts = text.split(NUMBER); // every other one is a number
	for (let at = 1; at + 2 < parts.length;) {
		const isGroup = digits(parts[at]).length < COMPLETE && /^\s*\/\s*$/.test(parts[at + 1]);
		if (isGroup) parts.splice(at, 3, parts.slice(at, at + 3).join(""));
		else at += 2;
	}
	const isComplete = (part, at) => at % 2 === 1 && digits(part).length >= COMPLETE;
	const isDialled = parts.some(isComplete) ? isComplete : (_, at) => at === 1;
	return parts
		.map((part, at) => ({ text: part, ...(isDialled(part, at) && { dial: dialled(part) }) }))
		.filter((part) => part.text);
}

// --- address books
/** A client as a vCard 4.0 (RFC 6350). */
export function vcard({ id, first_name: first, last_name: last, phone, email }) {
	const escape = (text) => text.replace(/[\\,;]/g, "\\$&").replace(/\r\n?|\n/g, "\\n");
	const numbers = numbersIn(phone ?? "").filter(({ dial }) => dial);
	return [
		"BEGIN:VCARD",
		"VERSION:4.0",
		`UID:urn:uuid:${id}`,
		`FN:${escape(`${first} ${last}`)}`,
		`N:${escape(last)};${escape(first)};;;`,
		...numbers.map(({ dial }) => `TEL:${dial}`),
		...(email ? [`EMAIL:${escape(email)}`] : []),
		"END:VCARD",
		"",
	].join("\r\n");
}
