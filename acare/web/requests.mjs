// Requests to the API, and what the views share: who is signed in, and what is stored in the browser.

import { TEXT } from "./text.mjs";
import { button, el, find } from "./dom.mjs";

export const BASE = new URL("..", import.meta.url); // where the app is mounted, under any prefix
export const stored = (name) => `acare:${BASE.pathname}:${name}`;
/** ``list`` is the address of the last list shown; the modules that import this one set the functions. */
export const state = {
  key: null, me: null, users: new Map(), list: "#/",
  askForKey: null, render: null, showFailure: null,
};

export const owner = (id) => state.users.get(id)?.email ?? id.slice(0, 8);
/** The people who can own a client, as options of a select. */
export const people = () => [...state.users.values()].map(({ id, email, disabled }) =>
  [id, disabled ? TEXT.disabledPerson(email) : email]);
/** Whether the person can change a field of a client. An agent, who sees no colleagues, cannot change the owner. */
export const isEditable = ({ kind }) => kind !== "user" || state.users.size > 1;

const WAITS = { 0: "server", 429: "limit", 502: "server", 503: "busy", 504: "server" };
const waitText = (reason) => TEXT.waits[reason === "server" && !navigator.onLine ? "offline" : reason];
/** The error for a response. */
export function failure({ status, content }) {
  const { message = waitText(WAITS[status]) ?? `HTTP ${status}`, errorId, details } = content?.error ?? {};
  const error = new Error(errorId ? `${message} ${TEXT.reference(errorId)}` : message);
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

/** The data of a response. Waits during limits and restarts, and asks for a key if the key is not valid; 401 is an
 *  error if ``key`` names the one to use. */
export async function call(method, path, options) {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await send(method, path, options);
    options.signal.throwIfAborted();
    const reason = WAITS[answer.status];
    find("#wait").hidden = !reason;
    if (answer.ok) return "success" in answer.content ? answer.content.data : answer.content;
    if (answer.status === 401 && !("key" in options)) await state.askForKey();
    else if (!reason) throw failure(answer);
    else await pause(Number(answer.headers?.get("Retry-After")) || Math.min(attempt, 5), reason, options.signal);
  }
}

/** Wait visibly. Throws if the person stops it. */
async function pause(seconds, reason, signal) {
  const [wait, until] = [find("#wait"), performance.now() + seconds * 1000];
  wait.replaceChildren(el("p", waitText(reason), " ", TEXT.retrying(seconds)),
    button(TEXT.stop, () => { wait.hidden = true; }));
  while (performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    signal.throwIfAborted();
    if (wait.hidden) throw new Error(TEXT.stopped);
  }
}
