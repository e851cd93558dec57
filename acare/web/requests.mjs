// Requests to the API, and what the views share: who is signed in, and what is stored in the browser.

import { fullName } from "./values.mjs";
import { button, el, find, link, say, value } from "./dom.mjs";

export const BASE = new URL("..", import.meta.url); // where the app is mounted, under any prefix
export const stored = (name) => `acare:${BASE.pathname}:${name}`;
/** ``list`` is the address of the last list shown, ``previous`` the address of the view before, ``latest`` the client
 *  read or saved last. ``place`` is what the last list has shown: its address, clients and meta, how far it was scrolled,
 *  and the id of the row to focus. ``ready`` resolves once ``me`` and ``users`` are known. Other modules set functions. */
export const state = {
  key: null, me: null, users: new Map(), ready: null, list: null, address: null, previous: null, latest: null,
  place: { address: null, clients: [], meta: null, scroll: 0, id: null },
  askForKey: null, refresh: null, render: null,
};

/** Resolves once it is known who is signed in, if the view of ``signal`` is still shown. */
export const ready = (signal) => state.ready.then(() => signal.throwIfAborted());

/** Keep the newest state of a client for its page and, if it is in there, the list. */
export function remember(client) {
  state.latest = client;
  state.place.clients = state.place.clients.map((row) => (row.id === client.id ? { ...row, ...client } : row));
}

/** An e-mail address without the domain, if this is the reader's own. */
export function shortName(email) {
  const domain = state.me.email.replace(/^.*@/, "@");
  return email.endsWith(domain) ? email.slice(0, -domain.length) : email;
}
export const person = (email) => el("bdi", { title: email }, shortName(email));
export const owner = (id) => state.users.get(id)?.email ?? id.slice(0, 8);
/** The people who can own a client, as options of a select. */
export const people = () => [...state.users.values()].map(({ id, email, disabled }) =>
  [id, disabled ? `${shortName(email)} (disabled)` : shortName(email)]);
/** Whether the person can change a field here: an agent, who sees no colleagues, not the owner, and other programs
 *  alone the details that acare does not know. */
export const isEditable = ({ kind }) => kind !== "details" && (kind !== "user" || state.users.size > 1);

const AWAY = "The server is not responding.";
const WAITS = { 0: AWAY, 429: "Too many requests.", 502: AWAY, 503: "The server is busy.", 504: AWAY };
const waitText = (status) => (navigator.onLine || status ? WAITS[status] : "You are offline.");
/** The error for a response. */
export function failure({ status, content }) {
  const { message = waitText(status) ?? `HTTP ${status}`, errorId, details } = content?.error ?? {};
  const error = new Error(errorId ? `${message} Reference for your administrator: ${errorId}` : message);
  return Object.assign(error, { status, details, problems: status === 400 ? details : [] });
}

/** One request; status 0 if no complete response arrived. ``as`` is the method of Response that reads a success. */
export async function send(method, path, { body, headers, signal, key = state.key, as = "json" } = {}) {
  const sent = { Accept: "application/json", "Content-Type": "application/json", ...headers };
  if (key) sent["X-API-Key"] = key;
  const options = { method, headers: sent, signal, cache: "no-store", body: body && JSON.stringify(body) };
  try {
    const answer = await fetch(new URL(path, BASE), options);
    const content = await answer[answer.ok ? as : "json"]().catch(() => null); // a page of a proxy, or a partial response
    if (content || !answer.ok) return { status: answer.status, ok: answer.ok, headers: answer.headers, content };
  } catch { /* no response */ }
  return { status: 0 };
}

let asking = null; // one dialog asks for the key that several requests need

/** The data of a response; null if it is 304. Waits during limits and restarts, and asks for a key if the key is not
 *  valid; 401 is an error if ``key`` names the one to use. Without the ``signal`` of a view, leaving it does not matter. */
export async function call(method, path, options = {}) {
  for (let attempt = 1; ; attempt += 1) {
    const { key } = state; // a late 401 for the key before this one is no reason to ask again
    const answer = await send(method, path, options);
    options.signal?.throwIfAborted();
    if (answer.ok) return "success" in answer.content ? answer.content.data : answer.content;
    if (answer.status === 304) return null;
    if (answer.status === 401 && !("key" in options)) {
      if (key === state.key) await (asking ??= state.askForKey().finally(() => { asking = null; }));
    } else if (WAITS[answer.status]) {
      await pause(Number(answer.headers?.get("Retry-After")) || Math.min(attempt, 5), answer.status, options.signal);
    } else throw failure(answer);
  }
}

const waiting = new Set(); // what stops the requests that wait visibly
/** Wait visibly. Throws if the person stops it, or leaves the view. */
async function pause(seconds, status, signal) {
  const wait = find("#wait");
  const stop = () => waiting.forEach((end) => end(new Error("Stopped. What you typed is kept.")));
  wait.replaceChildren(el("div", `${waitText(status)} Trying again in ${seconds} s.`), button("Stop", stop));
  wait.hidden = false;
  const { promise, resolve, reject } = Promise.withResolvers();
  waiting.add(reject);
  signal?.addEventListener("abort", () => reject(signal.reason));
  setTimeout(resolve, seconds * 1000);
  await promise.finally(() => {
    waiting.delete(reject);
    wait.hidden = !waiting.size;
  });
}

const start = () => stored(`draft:${state.me?.id}:`);
const draftName = (id) => `${start()}${id ?? "new"}`;
export const readDraft = (id) => JSON.parse(sessionStorage.getItem(draftName(id)));
export const writeDraft = (draft) => sessionStorage.setItem(draftName(draft.id), JSON.stringify(draft));
export const dropDraft = (id) => sessionStorage.removeItem(draftName(id));

/** Close a form: delete its draft, show a message, optionally with a button, and show another view. */
export function finish(id, text, address, ...action) {
  dropDraft(id);
  say(text, ...action);
  // A second entry of the same view in the browser's history would take a second step back.
  if (address === state.previous) history.back();
  else location.replace(address);
}

/** The drafts of this tab: [{id, text, address}]. A draft of a note has the name and the address of its client. */
export const drafts = () => Object.keys(sessionStorage).filter((name) => name.startsWith(start())).map((name) => {
  const { id, base, label, address } = JSON.parse(sessionStorage.getItem(name));
  const text = label ?? (id ? fullName(base) : "the new client");
  return { id, text, address: address ?? (id ? `#/client/${id}/edit` : "#/new") };
});
/** Links to all drafts, or to the draft of one client. */
export function draftNote(of = null) {
  const shown = drafts().filter(({ id }) => of === null || id === of);
  const links = shown.flatMap(({ text, address }) => [link(value(text), address), " "]);
  return links.length ? el("p.note", "Unsaved changes: ", links) : null;
}

addEventListener("beforeunload", (event) => {
  if (state.me && drafts().length) event.preventDefault(); // closing the tab would lose the draft
});
