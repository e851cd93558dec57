// Follow-ups: a client is due on the date in a tag such as due:2026-12-15.

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

/** A date in the reader's zone, as ISO 8601 has it. */
export const dateOf = (time = new Date()) => time.toLocaleDateString("sv");
/** The dates that are offered: [[text, date]]. */
export function offered(now = new Date()) {
	const after = (days) => dateOf(new Date(now.getFullYear(), now.getMonth(), now.getDate() + days));
	return [
		["Today", after(0)],
		["Tomorrow", after(1)],
		["Monday", after((8 - now.getDay()) % 7 || 7)],
		["In a week", after(7)],
	];
}
