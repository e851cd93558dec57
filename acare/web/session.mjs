// Who is signed in, and requests to the API in their name.

import { localTime, showTime } from "./values.mjs";
import { button, el, find, value } from "./dom.mjs";

export const BASE = new URL("..", import.meta.url); // where the app is mounted, under any prefix
export const stored = (name) => `acare:${BASE.pathname}:${name}`;
/** ``ready`` resolves once ``me`` and ``users``, by id, are known. ``rate`` is what the last answer
 *  said about the rate limit. ``askForKey`` is set by the page. */
export const session = {
	key: null,
	me: null,
	users: new Map(),
	ready: null,
	rate: null,
	askForKey: null,
};

/** Resolves once it is known who is signed in, if the view of ``signal`` is still shown. */
export const ready = (signal) => session.ready.then(() => signal.throwIfAborted());

/** An e-mail address without the domain, if this is the reader's own. */
export function shortName(email) {
	const domain = session.me.email.replace(/^.*@/, "@");
	return email.endsWith(domain) ? email.slice(0, -domain.length) : email;
}
/** A person. A long name breaks after its dots, too. */
export const person = (email) => value(shortName(email), /(?<=\.)|(?=@)/, email);
/** A new note, which begins with the time and the author. */
export function newNote(text) {
	return `${localTime().slice(0, 16).replace("T", " ")} ${shortName(session.me.email)}: ${text}`;
}
/** Who did something, and when. */
export const signature = (email, time) => `${nameOf(email)}, ${showTime(time)}`;
export const nameOf = (email) => (email ? shortName(email) : "Administrator");
export const owner = (id) => session.users.get(id)?.email ?? id.slice(0, 8);
/** The people who can own a client, as options of a select. */
export const people = () =>
	[...session.users.values()].map(({ id, email, disabled }) => [
		id,
		`${shortName(email)}${disabled ? " (disabled)" : ""}`,
	]);
/** Whether the person can change a field here: an agent, who sees no colleagues, not the owner, and
 *  other programs alone the details that acare does not know. */
export const isEditable = ({ kind }) =>
	kind !== "detail" && (kind !== "user" || session.users.size > 1);

const AWAY = "The server is not responding.";

const WAITS = {
	0: AWAY,
	429: "Too many requests.",
	502: AWAY,
	503: "The server is busy.",
	504: AWAY,
};
const waitText = (status) => (navigator.onLine || status ? WAITS[status] : "You are offline.");
/** The error for a response. */
function failure({ status, content }) {
	const { message = waitText(status) ?? `HTTP ${status}`, errorId, details } = content?.error ?? {};
	const error = new Error(
		errorId ? `${message} Reference for your administrator: ${errorId}` : message,
	);
	return Object.assign(error, { status, details, problems: status === 400 ? details : [] });
}

/** What an answer says about the rate limit: {limit, remaining, reset, at}, or null. */
function rateIn(headers) {
	if (!headers.has("RateLimit-Limit")) return null;
	const number = (name) => Number(headers.get(`RateLimit-${name}`));
	const [limit, remaining, reset] = ["Limit", "Remaining", "Reset"].map(number);
	return { limit, remaining, reset, at: Date.now() };
}

/** One request; status 0 if no complete response arrived. ``as`` is the method of Response that
 *  reads a success. */
export async function send(
	method,
	path,
	{ body, headers, signal, key = session.key, as = "json" } = {},
) {
	const sent = { Accept: "application/json", "Content-Type": "application/json", ...headers };
	if (key) sent["X-API-Key"] = key;
	const options = {
		method,
		headers: sent,
		signal,
		cache: "no-store",
		body: body && JSON.stringify(body),
	};
	try {
		const answer = await fetch(new URL(path, BASE), options);
		session.rate = rateIn(answer.headers);
		// a page of a proxy, or a partial response
		const content = await answer[answer.ok ? as : "json"]().catch(() => null);
		if (content || !answer.ok)
			return { status: answer.status, ok: answer.ok, headers: answer.headers, content };
	} catch {
		/* no response */
	}
	return { status: 0 };
}

let asking = null; // one dialog asks for the key that several requests need

/** The data of a response; null if it is 304. Waits during limits and restarts, and asks for a key
 *  if the key is not valid; 401 is an error if ``key`` names the one to use. Without the ``signal``
 *  of a view, leaving it does not matter. ``wait`` waits in another way. */
export async function call(method, path, options = {}) {
	for (let attempt = 1; ; attempt += 1) {
		const { key } = session; // a late 401 for the key before this one is no reason to ask again
		const answer = await send(method, path, options);
		options.signal?.throwIfAborted();
		if (answer.ok) return "success" in answer.content ? answer.content.data : answer.content;
		if (answer.status === 304) return null;
		if (answer.status === 401 && !("key" in options)) {
			if (key === session.key)
				await (asking ??= session.askForKey().finally(() => {
					asking = null;
				}));
		} else if (WAITS[answer.status]) {
			await (options.wait ?? pause)(
				Number(answer.headers?.get("Retry-After")) || Math.min(attempt, 5),
				answer.status,
				options.signal,
			);
		} else throw failure(answer);
	}
}

/** The pages of a list, of 100 entries each. */
export async function* pagesOf(name, query, signal) {
	for (let page = 1, hasMore = true; hasMore; page += 1) {
		const data = await call("GET", `v1/${name}?${query}&limit=100&page=${page}`, { signal });
		({ hasMore } = data.meta);
		yield data;
	}
}

const waiting = new Set(); // what stops the requests that wait visibly
/** Wait visibly. Throws if the person stops it, or leaves the view. */
async function pause(seconds, status, signal) {
	const wait = find("#wait");
	const stop = () => waiting.forEach((end) => end(new Error("Stopped. What you typed is kept.")));
	wait.replaceChildren(
		el("div", `${waitText(status)} Trying again in ${seconds} s.`),
		button("Stop", stop),
	);
	wait.hidden = false;
	let end = null;
	const waited = new Promise((resolve, reject) => {
		end = reject;
		signal?.addEventListener("abort", () => reject(signal.reason));
		setTimeout(resolve, seconds * 1000);
	});
	waiting.add(end);
	await waited.finally(() => {
		waiting.delete(end);
		wait.hidden = !waiting.size;
	});
}

/** A function of a module that the first list and client do not need, which is loaded once it is. */
export const later =
	(file, name) =>
	async (...given) => {
		for (let attempt = 1; ; attempt += 1) {
			const module = await import(file).catch(() => pause(Math.min(attempt, 5), 0));
			if (module) return module[name](...given);
		}
	};
