// One change of many clients: the request for each of them, the one that undoes it, and the time.

import { plainTags } from "./due.mjs";
import { same } from "./record.mjs";
import { isolate, label } from "./values.mjs";

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

/** What a change does, in words. */
export function inWords(kind, value) {
	const name = isolate(value);
	return {
		add: `add the tag “${name}”`,
		remove: `remove the tag “${name}”`,
		status: `set the status to ${label(value)}`,
		owner: `set the owner to ${name}`,
	}[kind];
}
/** The tags that clients have, in alphabetical order. */
export const tagsOf = (clients) =>
	[...new Set(clients.flatMap((client) => plainTags(client.tags)))].sort((a, b) =>
		a.localeCompare(b),
	);

/** How many requests of the limit stay for the person who works meanwhile. */
export const RESERVE = 50;
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
