// Requests to the API, and what the views share: who is signed in, and what is stored in the browser.

import { TEXT } from "./text.mjs";
import { showSeconds } from "./values.mjs";
import { button, el, find } from "./dom.mjs";

export const BASE = new URL("..", import.meta.url); // where the app is mounted, under any prefix
export const stored = (name) => `acare:${BASE.pathname}:${name}`;
/** ``list`` is the address of the list that was seen last; the functions are those of the modules above this one. */
export const state = {
  key: null, me: null, users: new Map(), document: null, fields: [], list: "#/",
  askForKey: null, render: null, showFailure: null,
};

export const owner = (id) => state.users.get(id)?.email ?? id.slice(0, 8);

const WAITS = { 0: "server", 429: "limit", 502: "server", 503: "busy", 504: "server" };
const waitText = (reason) => TEXT.waits[reason === "server" && !navigator.onLine ? "offline" : reason];
/** The error for a response; ``uncertain`` if an earlier attempt may have been carried out. */
export function failure({ status, content }, uncertain = false) {
  const { message = waitText(WAITS[status]) ?? `HTTP ${status}`, errorId, details } = content?.error ?? {};
  const error = new Error(errorId ? `${message} ${TEXT.reference(errorId)}` : message);
  return Object.assign(error, { status, uncertain, problems: status === 400 ? details : [] });
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
  for (let attempt = 1, uncertain = false; ; attempt += 1) {
    const answer = await send(method, path, options);
    options.signal.throwIfAborted();
    const reason = WAITS[answer.status];
    find("#wait").hidden = !reason;
    const [limit, left, reset] = ["Limit", "Remaining", "Reset"].map((key) => answer.headers?.get(`RateLimit-${key}`));
    const isLow = left <= Math.max(5, limit / 10);
    if (limit) find("#low").textContent = isLow ? TEXT.remaining(left, showSeconds(Number(reset))) : "";
    if (answer.ok) return "success" in answer.content ? answer.content.data : answer.content;
    if (answer.status === 401 && !("key" in options)) await state.askForKey();
    else if (!reason) throw failure(answer, uncertain);
    else {
      uncertain ||= reason === "server"; // only the response may be lost
      await pause(Number(answer.headers?.get("Retry-After")) || Math.min(attempt, 5), reason, options.signal);
    }
  }
}

/** Wait with a countdown, which the person can stop: then it throws. */
async function pause(seconds, reason, signal) {
  const [wait, clock] = [find("#wait"), el("span", { "aria-hidden": "true" })];
  const until = performance.now() + seconds * 1000;
  wait.replaceChildren(el("p", waitText(reason), " ", clock), button(TEXT.stop, () => { wait.hidden = true; }));
  for (let left = seconds; left > 0; left = Math.ceil((until - performance.now()) / 1000)) {
    clock.textContent = TEXT.retrying(showSeconds(left));
    await new Promise((resolve) => setTimeout(resolve, 200));
    signal.throwIfAborted();
    if (wait.hidden) throw new Error(TEXT.stopped);
  }
}
