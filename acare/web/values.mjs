// Numbers, times, telephone numbers, names and addresses as text, and back. Independent of the document,
// so that Node can test it.

// --- addresses: the fragment names everything that the page shows, and is not sent to the server
export const PROPERTY = [
	"price",
	"location",
	"property_type",
	"bedrooms",
	"bathrooms",
	"square_feet",
];
const DEFAULTS = {
	// in the order of the inputs
	q: "",
	client_type: "",
	status: "",
	user_id: "",
	sort: "created_at",
	...Object.fromEntries(PROPERTY.map((name) => [name, ""])),
	tag: "",
	deleted: "",
	page: "1",
};
/** The view that a fragment names: {view, id, query}, with the other client of a merge as
 *  ``other`` and the draft of a new one as ``draft``. A client has no query. */
export function readRoute(fragment) {
	// array patterns compile to much more code
	const { 0: path, 1: search } = fragment.replace(/^#?\/?/, "").split("?");
	const { 0: first, 1: id = "", 2: last, 3: other = null } = path.split("/");
	if (first === "client" && /^[\w-]+$/.test(id)) {
		return { view: ["edit", "merge"].includes(last) ? last : "client", id, other };
	}
	const sent = new URLSearchParams(search);
	const query = Object.fromEntries(
		Object.keys(DEFAULTS).map((name) => [name, sent.get(name) || DEFAULTS[name]]),
	);
	if (!/^[1-9][0-9]{0,8}$/.test(query.page)) query.page = DEFAULTS.page;
	const isMatch = PROPERTY.some((name) => query[name]);
	const named = ["due", "match", "new", "people"].includes(first) ? first : "list";
	const view = sent.has("due") ? "due" : isMatch ? "match" : named;
	return { view, id: null, draft: sent.get("draft"), query };
}
/** The query of a list as text, without default values. */
export const writeQuery = (query) =>
	String(
		new URLSearchParams(
			Object.keys(query)
				.filter((name) => query[name] && query[name] !== DEFAULTS[name])
				.map((name) => [name, query[name]]),
		),
	);
/** How a number of a property is read. */
const READERS = { price: amountIn, bedrooms: numberIn, bathrooms: numberIn, square_feet: sizeIn };
/** The query as the API takes it: a search has at most eight words, and an amount such as "450k" or
 *  a size such as "120 m²" is a number. */
export function apiQuery(query) {
	const numbers = Object.keys(READERS)
		.filter((name) => query[name])
		.map((name) => [name, String(readNumber(query[name], undefined, READERS[name]) ?? "")]);
	return writeQuery({
		...query,
		...(query.sort === "unchanged" && { sort: "updated_at", order: "asc" }),
		...Object.fromEntries(numbers),
		q: query.q.trim().split(/\s+/).slice(0, 8).join(" "),
	});
}
/** Clients on a page of the list. */
const PAGE = 50;
export const listPath = (query) => `v1/clients?limit=${PAGE}&${apiQuery(query)}`;
export function listAddress(query, path = "#/") {
	const search = writeQuery(query);
	return search ? `${path}?${search}` : path;
}

// --- numbers and times, in the format of the browser's locale
const formats = {};
/** A format of a class of Intl, kept since making one takes long. */
function format(Class, locale, options) {
	return (formats[JSON.stringify([Class.name, locale, options])] ??= new Class(locale, options));
}
const formatOf = (locale, options) =>
	format(Intl.NumberFormat, locale, {
		numberingSystem: "latn",
		maximumFractionDigits: 20,
		...options,
	});
/** A number, as an amount with the sign of a currency if one is given. */
export function showNumber(value, locale, currency) {
	const money = {
		style: "currency",
		currency,
		maximumFractionDigits: undefined,
		trailingZeroDisplay: "stripIfInteger",
	};
	return typeof value === "number"
		? formatOf(locale, currency ? money : {}).format(value)
		: String(value ?? "");
}
/** "1 client", "5,000 clients". */
export const counted = (number, noun) => `${showNumber(number)} ${noun}${number === 1 ? "" : "s"}`;

/** The number in a text, or NaN. The reader's locale says only whether a comma can be the decimal
 *  separator: before three digits, either separator groups. */
export function numberIn(text, locale) {
	const parts = formatOf(locale).formatToParts(1.5);
	const decimal = parts.find(({ type }) => type === "decimal").value;
	const written = text.replace(/[\s'’]|^\s*\p{Sc}|\p{Sc}\s*$/gu, "");
	const grouped = written.match(/^([1-9]\d{0,2}([.,])(?:\d{2,3}\2)*\d{3})(?:(?!\2)[.,](\d+))?$/);
	if (grouped) return Number(`${grouped[1].replace(/\D/g, "")}.${grouped[3] ?? 0}`);
	const [, whole, separator = ".", fraction = 0] = written.match(/^(\d+)(?:([.,])(\d+))?$/) ?? [];
	return whole && [".", decimal].includes(separator) ? Number(`${whole}.${fraction}`) : NaN;
}

/** An amount such as "450k" or "1.2m". A fraction below a thousand means millions. */
export function amountIn(text, locale) {
	const [, written, letter] = text
		.replace(/\p{Sc}/gu, "")
		.trim()
		.match(/^(.*?)\s*([km]?)$/is);
	const number = numberIn(written, locale);
	const unit = letter.toLowerCase() || (number < 1000 && number % 1 ? "m" : "");
	return Math.round(number * ({ k: 1e3, m: 1e6 }[unit] ?? 1) * 100) / 100;
}

const SQUARE_METRE = 10.7639; // in square feet
export const inMetres = (feet) => `${showNumber(Math.round(feet / SQUARE_METRE))} m²`;
/** The square feet of a size such as "1,650 sq ft" or "120 m²". */
export function sizeIn(text, locale) {
	const [, written, unit] = text.trim().match(/^(.*?)\s*(m²|m2|sq\.? ?m|sq\.? ?ft|ft²|ft2|)$/is);
	return Math.round(numberIn(written, locale) * (/m/i.test(unit) ? SQUARE_METRE : 1));
}

/** The number in a text, as one of these reads it; null if blank. Other text is returned as it is, so that
 *  the server says what is wrong with it. */
export function readNumber(text, locale, read = numberIn) {
	const found = read(text, locale);
	return Number.isFinite(found) ? found : text.trim() || null;
}

const SHORT = { notation: "compact", maximumFractionDigits: 2 };
/** An amount as 350K. */
export const shortAmount = (value, locale) => formatOf(locale, SHORT).format(value);
/** A budget as 350K – 1.25M. */
export const shortBudget = (client, locale) =>
	showBudget(client, null, locale, (value) => shortAmount(value, locale));
export function showBudget(
	{ budget_min: low, budget_max: high },
	currency,
	locale,
	show = (value) => showNumber(value, locale, currency),
) {
	if (low !== null && high !== null)
		return low === high ? show(low) : `${show(low)} – ${show(high)}`;
	return low !== null ? `from ${show(low)}` : high !== null ? `up to ${show(high)}` : "";
}

// Days and times are in the reader's zone.
const [DAY, HOUR] = [{ dateStyle: "medium" }, { timeStyle: "short" }];
const inZone = (iso, styles, { locale, timeZone } = {}) =>
	format(Intl.DateTimeFormat, locale, { ...styles, timeZone }).format(new Date(iso));
export const showDay = (iso, options) => inZone(iso, DAY, options);
const MONTH_DAY = { month: "short", day: "numeric" };
const WEEKDAY = { weekday: "short", ...MONTH_DAY };
export const showTime = (iso, options) => inZone(iso, { ...DAY, ...HOUR }, options);

// --- names, values and messages
/** The labels of fields whose names are not good labels. */
const LABELS = {
	email: "E-mail",
	client_type: "Type",
	due: "Follow-up",
	user_id: "Owner",
	updated_at: "Changed",
	pre_approved: "Pre-approved",
	pre_approval_amount: "Pre-approved amount",
	preferred_locations: "Places",
	bedrooms_min: "Bedrooms at least",
	bathrooms_min: "Bathrooms at least",
	square_feet_min: "Size at least",
};
/** A member of a record, or null; a client may have a member "constructor". */
export const valueOf = (record, name) => (Object.hasOwn(record ?? {}, name) ? record[name] : null);
/** Whether two values are the same JSON; absent is null, and the order of members is ignored. */
export const same = (a, b) => canonical(a) === canonical(b);
/** Whether a field has nothing. */
export const isUnset = (value) => [null, "", [], {}].some((nothing) => same(value, nothing));
const canonical = (value) =>
	JSON.stringify(value ?? null, (_, part) => {
		if (part === null || typeof part !== "object" || Array.isArray(part)) return part;
		const names = Object.keys(part)
			.filter((name) => part[name] !== null)
			.sort();
		return Object.fromEntries(names.map((name) => [name, part[name]]));
	});
/** The label of a field or the word for a value: "Minimum budget" for budget_min. */
export function label(name) {
	const words = name.replace(/^(.+)_(min|max)$/, "$2imum $1").replaceAll("_", " ");
	return valueOf(LABELS, name) ?? words.charAt(0).toUpperCase() + words.slice(1);
}
/** Text that cannot change the direction of the text around it, where no element can isolate it. */
export const isolate = (text) => `\u2068${text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "")}\u2069`;
export const fullName = ({ first_name: first, last_name: last }) => `${first} ${last}`;
/** A text of the server with the labels of fields instead of their names, and grouped digits. */
export const plain = (text, locale) =>
	text
		.replaceAll("`", "")
		.replace(/\b[a-z]+(?:_[a-z]+)+\b/g, (name) => label(name))
		.replace(/\b\d{5,15}\b/g, (digits) => showNumber(Number(digits), locale));
/** A problem with a field as a sentence. */
export const sentence = ({ field, message }) =>
	`${label(field)} ${plain(message)}.`
		.replace(" is invalid:", ":")
		.replace(/\[(\d+)\]/g, (_, index) => `entry ${Number(index) + 1}`);
/** An error of the API in plain words. */
export const explain = ({ message, problems = [] }) =>
	problems.map(sentence).join(" ") || plain(message);

// --- follow-ups: a client is due on the date in a tag such as due:2026-12-15
const TAG = /^due:(\d{4}-\d\d-\d\d)$/;
const isDate = (text) => {
	const time = new Date(`${text}T00:00Z`);
	return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text);
};
const dateIn = (tag) => {
	const date = String(tag).match(TAG)?.[1];
	return date && isDate(date) ? date : null;
};

/** The tags that are no follow-ups. */
export const plainTags = (tags) => tags.filter((tag) => !dateIn(tag));
/** The earliest follow-up in tags, or null. */
export const dueIn = (tags) => tags.map(dateIn).filter(Boolean).sort()[0] ?? null;
/** The tags with this follow-up instead of all others, or with none. */
export const withDue = (tags, date) => [...plainTags(tags), ...(date ? [`due:${date}`] : [])];

/** A time in the reader's zone, and its date, as ISO 8601 has them. */
export const localTime = (time = new Date()) =>
	new Date(time - time.getTimezoneOffset() * 60_000).toISOString();
export const dateOf = (time) => localTime(time).slice(0, 10);
const DAY_TIME = 86_400_000;
export const daysUntil = (date, today = dateOf()) =>
	(new Date(`${date}T00:00Z`) - new Date(`${today}T00:00Z`)) / DAY_TIME;
/** The date of a follow-up as "3 days late", "Today", "Tomorrow", "Mon, Dec 7", "Dec 21" or with the
 *  year. */
export function dueText(date, today = dateOf(), locale = undefined) {
	const days = daysUntil(date, today);
	if (days < 0 && days > -100) return `${counted(-days, "day")} late`;
	if (days === 0) return "Today";
	if (days === 1) return "Tomorrow";
	if (days > 1 && days < 7) return inZone(`${date}T00:00`, WEEKDAY, { locale });
	return shortDay(date, today, locale);
}
/** A date as "Dec 21" or, in another year, with that. */
export function shortDay(date, today = dateOf(), locale = undefined) {
	const isThisYear = date.slice(0, 4) === today.slice(0, 4);
	return inZone(`${date}T00:00`, isThisYear ? MONTH_DAY : DAY, { locale });
}
/** The dates that are offered, as options of a select. */
export function offered(now = new Date()) {
	const after = (days) => dateOf(new Date(now.getFullYear(), now.getMonth(), now.getDate() + days));
	return [
		[after(0), "Today"],
		[after(1), "Tomorrow"],
		[after((8 - now.getDay()) % 7 || 7), "Monday"],
		[after(7), "In a week"],
	];
}
