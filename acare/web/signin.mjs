// Signing in and out: by a key that is typed or in a link, or by the embedding app or a proxy.

import { TEXT } from "./text.mjs";
import { showDay } from "./values.mjs";
import { agency, ask, button, dialog, el, openDialog, say, value } from "./dom.mjs";
import { call, draftLinks, failure, send, state, stored } from "./requests.mjs";

/** The key in a text or a link, without spaces and characters that a header cannot have. */
const cleanKey = (text) => text.replace(/^.*#(key|invite)=/s, "").replace(/[^!-~]/g, "");
const isInvitation = (text) => text.includes("#invite=");
/** Remove all entries whose names begin with a prefix from both storages. */
const forget = (start) => [localStorage, sessionStorage].forEach((storage) =>
  Object.keys(storage).filter((name) => name.startsWith(stored(start))).forEach((name) => storage.removeItem(name)));

state.key = sessionStorage.getItem(stored("key")) ?? localStorage.getItem(stored("key"));
export const hasLink = () => sessionStorage.getItem(stored("link")) !== null;
/** Sign in with a key. ``id`` is that of a key which this browser alone has. */
function keepKey(key, storage, id = "") {
  forget("key");
  storage.setItem(stored("key"), key);
  storage.setItem(stored("key-id"), id);
  state.key = key;
}

/** The parts of the names that browsers send, the most telling first, and what people call them. */
const BROWSERS = { Edg: "Edge", OPR: "Opera", Firefox: "Firefox", Chrome: "Chrome", Safari: "Safari" };
const browserName = () => BROWSERS[Object.keys(BROWSERS).find((name) => navigator.userAgent.includes(name))] ?? TEXT.browser;

/** Sign in with an invitation, which works once: with its key, make one of this browser's own, and revoke it. If it has no
 *  right to make keys, it stays the key of this browser. */
async function acceptInvitation(key, isShared, signal) {
  const storage = isShared ? sessionStorage : localStorage;
  const ends = new Date(Date.now() + 12 * 3_600_000).toISOString(); // a closed tab cannot revoke its key
  const body = { name: `${browserName()}, ${showDay(new Date())}`, ...(isShared && { expires_at: ends }) };
  const own = await call("POST", "v1/keys", { body, key, signal }).catch(() => null);
  if (!own) return keepKey(key, storage);
  keepKey(own.key, storage, own.id);
  return call("DELETE", `v1/keys/${own.made_with}`, { key: own.key, signal }).catch(() => null);
}

let linkProblem = null; // of the link that was opened, for a person who is not signed in

/** Ask for a key until one is valid. What is in the page stays, unless another person signs in. */
export function askForKey() {
  const { me, key: oldKey } = state;
  const key = el("input", { id: "key", type: "password", required: true, "aria-describedby": "key-hint" });
  const shared = el("input", { type: "checkbox" });
  const problem = el("p.problem", { role: "alert" }, me || oldKey ? TEXT.expired : linkProblem);
  return new Promise((resolve) => {
    const tryKey = async (event) => {
      event.preventDefault();
      const [typed, isLink] = [cleanKey(key.value), isInvitation(key.value)];
      const answer = await send("GET", "v1/users/me", { key: typed });
      problem.textContent = answer.ok ? "" : answer.status === 401 ? TEXT.wrongKey : failure(answer).message;
      if (!answer.ok) return;
      if (isLink) await acceptInvitation(typed, shared.checked, new AbortController().signal);
      else keepKey(typed, shared.checked ? sessionStorage : localStorage);
      if (me && me.id !== answer.content.data.id) {
        state.me = null; // hides the drafts, which are kept
        return location.reload();
      }
      dialog.onclose = null;
      dialog.close();
      resolve();
    };
    openDialog(agency ?? TEXT.title, problem, el("form", { submit: tryKey },
      el("label", { for: "key" }, TEXT.key), key, el("p.hint", { id: "key-hint" }, TEXT.signInHint),
      el("label.check", shared, TEXT.shared),
      el("div.actions", el("button.main", TEXT.signIn),
        me && !oldKey ? button(TEXT.tryAgain, tryKey) : null))); // the user is named by the app or proxy
    dialog.classList.toggle("cover", !me);
    dialog.onclose = () => dialog.showModal(); // Escape must not close it
  });
}

/** Move a link with a key from the address to the storage of this tab. Returns whether there was one. */
export function takeKeyFromAddress() {
  const link = location.hash;
  if (!/^#(key|invite)=/.test(link)) return false;
  history.replaceState(null, "", `${location.pathname}#/`);
  sessionStorage.setItem(stored("link"), link);
  return true;
}

/** The user whom a key belongs to, or null. Without a key, the user whom the embedding app or a proxy names. */
const userOf = (key, signal) => call("GET", "v1/users/me", { key, signal }).catch((error) => {
  if (error.status !== 401) throw error;
  return null;
});

/** Sign in with the key of a link, unless that replaces another person who does not agree. */
export async function followLink(signal) {
  const link = sessionStorage.getItem(stored("link"));
  const key = cleanKey(link);
  const [mine, theirs] = [await userOf(state.key, signal), await userOf(key, signal)];
  sessionStorage.removeItem(stored("link"));
  if (!theirs) return say(linkProblem = TEXT.wrongLink);
  if (mine && mine.id === theirs.id && isInvitation(link)) return say(TEXT.linkUnused(mine.email));
  if (mine && mine.id !== theirs.id && !await ask(TEXT.otherTitle, el("p", TEXT.otherHint(mine.email, theirs.email)),
    [[TEXT.stayAs(mine.email), false, "main"], [TEXT.signInAs(theirs.email), true]])) return null;
  if (!isInvitation(link)) return keepKey(key, localStorage);
  const isOwn = await ask(TEXT.sharedTitle, el("p", TEXT.sharedHint(theirs.email)),
    [[TEXT.ownComputer, true, "main"], [TEXT.sharedComputer, false]]);
  return acceptInvitation(key, !isOwn, signal);
}

/** Sign out, after a question if that deletes drafts. A key that this browser alone has is revoked. */
export async function signOut() {
  const drafts = draftLinks().map(({ textContent }) => textContent).join(", ");
  if (drafts && !await ask(TEXT.signOutTitle, el("p", TEXT.signOutHint, value(drafts)),
    [[TEXT.signOut, true, "danger main"], [TEXT.cancel, false]])) return;
  const id = [sessionStorage, localStorage].map((storage) => storage.getItem(stored("key-id"))).find(Boolean);
  if (id) await send("DELETE", `v1/keys/${id}`);
  forget("");
  location.hash = "#/";
  location.reload();
}

/** Follow a sign-in or sign-out in another tab. */
addEventListener("storage", ({ key }) => {
  if (key === stored("key") && !sessionStorage.getItem(stored("key"))) location.reload();
});
