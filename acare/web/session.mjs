// Who is signed in, and requests to the API in their name.

import { listPath, localTime, readRoute, showDay, showNumber, showTime } from "./values.mjs";
import { button, el, find, value } from "./dom.mjs";

export const BASE = new URL("..", import.meta.url); // where the app is mounted, under any prefix
export const stored = (name) => `acare:${BASE.pathname}:${name}`;
export const readStored = (name) =>
	sessionStorage.getItem(stored(name)) ?? localStorage.getItem(stored(name));
/** Whether the address is a link with a key. */
export const isLink = () => /^#(key|invite)=/.test(location.hash);

/** ``ready`` resolves once ``me`` and ``users``, by id, are known. ``rate`` is what the last answer
 *  said about the rate limit. */
export const session = {
	key: readStored("key"),
	me: null,
	users: new Map(),
	ready: null,
	rate: null,
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

/** Whose follow-ups are shown: the id of this person or, for all, nothing. It stays on this device. */
export const whose = () =>
	localStorage.getItem(stored("due")) === session.me.id ? session.me.id : "";

const AWAY = "The server is not responding.";

const WAITS = {
	0: AWAY,
	429: "Too many requests.",
	502: AWAY,
	503: "The server is busy.",
	504: AWAY,
};
/** Why a request waits. */
export const waitText = (status) =>
	navigator.onLine || status ? WAITS[status] : "You are offline.";
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
	return {
		limit: number("Limit"),
		remaining: number("Remaining"),
		reset: number("Reset"),
		at: Date.now(),
	};
}

let reading = 0;
const toRead = []; // what lets the next one begin
/** Wait until fewer than two lists are being read: a person may have four slow requests at a time. */
async function beginReading() {
	if (reading < 2) reading += 1;
	else await new Promise((resolve) => toRead.push(resolve));
}
function endReading() {
	if (toRead.length) toRead.shift()();
	else reading -= 1;
}

/** One request; status 0 if no complete response arrived. ``as`` is the method of Response that
 *  reads a success, ``version`` the one that the
 *  client must still have. */
export async function send(
	method,
	path,
	{ body, headers, signal, version, key = session.key, as = "json" } = {},
) {
	const sent = { Accept: "application/json", "Content-Type": "application/json", ...headers };
	if (key) sent["X-API-Key"] = key;
	if (version) sent["If-Match"] = `"${version}"`;
	const options = {
		method,
		headers: sent,
		signal,
		cache: "no-store",
		body: body && JSON.stringify(body),
	};
	const isQuick = method !== "GET" || path === WHO[0];
	if (!isQuick) await beginReading();
	try {
		const answer = await fetch(new URL(path, BASE), options);
		session.rate = rateIn(answer.headers);
		// a page of a proxy, or a partial response
		const content = await answer[answer.ok ? as : "json"]().catch(() => null);
		if (content || !answer.ok)
			return { status: answer.status, ok: answer.ok, headers: answer.headers, content };
	} catch {
		/* no response */
	} finally {
		if (!isQuick) endReading();
	}
	return { status: 0 };
}

/** Say who is signed in, and who else there is. */
export const WHO = ["v1/users/me", "v1/users?disabled=true"];
/** The requests of the first view that were sent before its modules were there, by their paths. */
export const begun = new Map();
const begin = (path) => begun.set(path, send("GET", path));

let asking = null; // one dialog asks for the key that several requests need

/** The data of a response; null if it is 304. Waits during limits and restarts, and asks for a key
 *  if the key is not valid; 401 is an error if ``key`` names the one to use. Without the ``signal``
 *  of a view, leaving it does not matter. ``wait`` waits in another way. */
export async function call(method, path, options = {}) {
	for (let attempt = 1; ; attempt += 1) {
		const { key } = session; // a late 401 for the key before this one is no reason to ask again
		const sent = begun.get(path) ?? send(method, path, options);
		begun.delete(path);
		const answer = await sent;
		options.signal?.throwIfAborted();
		if (answer.ok) return "success" in answer.content ? answer.content.data : answer.content;
		if (answer.status === 304) return null;
		if (answer.status === 401 && !("key" in options)) {
			if (key === session.key)
				await (asking ??= askForKey().finally(() => {
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

let writing = 0;
/** Ask before the window is closed until this is done. */
export async function keepOpen(work) {
	writing += 1;
	return work.finally(() => {
		writing -= 1;
	});
}
addEventListener("beforeunload", (event) => {
	if (writing) event.preventDefault();
});

/** The pages of a list, of 100 entries each. */
export async function* pagesOf(name, query, signal) {
	for (let page = 1, hasMore = true; hasMore; page += 1) {
		const data = await call("GET", `v1/${name}?${query}&limit=100&page=${page}`, { signal });
		({ hasMore } = data.meta);
		yield data;
	}
}

/** Wait until the time is over, or a signal ends it. */
export const sleep = (seconds, ...signals) =>
	new Promise((resolve, reject) => {
		for (const signal of signals) signal?.addEventListener("abort", () => reject(signal.reason));
		setTimeout(resolve, seconds * 1000);
	});

const waiting = new Set(); // what stops the requests that wait visibly
/** Wait visibly. Throws if the person stops it, or leaves the view. */
async function pause(seconds, status, signal) {
	const wait = find("#wait");
	const stopping = new AbortController();
	const reason = new Error("Stopped. What you typed is kept.");
	wait.replaceChildren(
		el("div", `${waitText(status)} Trying again in ${seconds} s.`),
		button("Stop", () => waiting.forEach((one) => one.abort(reason))),
	);
	wait.hidden = false;
	waiting.add(stopping);
	await sleep(seconds, stopping.signal, signal).finally(() => {
		waiting.delete(stopping);
		wait.hidden = !waiting.size;
	});
}

const loaded = {};
/** Load a module that the first list does not need. */
export const load = async (file) => (loaded[file] ??= await import(file));
/** A function of such a module, which is loaded once it is needed. */
export const later =
	(file, name) =>
	async (...given) => {
		for (let attempt = 1; !loaded[file]; attempt += 1)
			await load(file).catch(() => pause(Math.min(attempt, 5), 0));
		return loaded[file][name](...given);
	};
const askForKey = later("./signin.mjs", "askForKey");

// --- while the other modules load
if (!isLink()) {
	WHO.forEach(begin);
	const { view, query } = readRoute(location.hash);
	if (view === "list") begin(listPath(query));
	[showDay, showTime, showNumber].forEach((show) => show(0)); // the first format takes long
}
