// A client for a telephone: the numbers that it can dial, and a vCard for its address book.

const NUMBER = /[+(]*[\d*#](?:[\s().\u2010-\u2015-]*[\d*#])*/g;
/** The digits of a complete number; it may be written in groups, as in 040/2081992. */
const COMPLETE = 7;
const digits = (text) => text.replace(/\D/g, "");
/** A "(0)" after a country code is written for callers from within the country alone. */
const dialled = (text) =>
	(/^[(]*(\+|00)/.test(text) ? text.replace("(0)", "") : text).replace(/[^\d+*#]/g, "");

/** A text in parts: [{text, dial}]. ``dial`` is only there for a complete number or, if the text
 *  has none, for the first digits. */
export function numbersIn(text) {
	const found = [];
	for (const { 0: run, index } of text.matchAll(NUMBER)) {
		const last = found.at(-1);
		const isGroup = last && digits(text.slice(last.from, last.to)).length < COMPLETE;
		if (isGroup && /^\s*\/\s*$/.test(text.slice(last.to, index))) last.to = index + run.length;
		else found.push({ from: index, to: index + run.length });
	}
	const complete = found.filter(({ from, to }) => digits(text.slice(from, to)).length >= COMPLETE);
	const parts = [];
	let end = 0;
	for (const { from, to } of complete.length ? complete : found.slice(0, 1)) {
		const number = text.slice(from, to);
		parts.push({ text: text.slice(end, from) }, { text: number, dial: dialled(number) });
		end = to;
	}
	return [...parts, { text: text.slice(end) }].filter((part) => part.text);
}

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
