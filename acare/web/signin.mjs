// Signing in and out: by a key that is typed or in a link, or by the embedding app or a proxy.

import { TEXT } from "./text.mjs";
import { agency, ask, button, dialog, el, say, value } from "./dom.mjs";
import { call, failure, send, state, stored } from "./requests.mjs";

/** The key in a text or a link, without spaces and characters that a header cannot have. */
const cleanKey = (text) => text.replace(/^.*#key=/s, "").replace(/[^!-~]/g, "");
/** Remove all entries whose names begin with a prefix from both storages. */
const forget = (start) => [localStorage, sessionStorage].forEach((storage) =>
  Object.keys(storage).filter((name) => name.startsWith(stored(start))).forEach((name) => storage.removeItem(name)));

const storedKey = () => sessionStorage.getItem(stored("key")) ?? localStorage.getItem(stored("key"));
function keepKey(key, storage) {
  forget("key");
  if (key) storage.setItem(stored("key"), key);
  state.key = key;
}

/** Ask for a key until one is valid. What is in the page stays, unless another person signs in. */
export function askForKey() {
  const { me, key: oldKey } = state;
  const key = el("input", { id: "key", type: "password", required: true, "aria-describedby": "key-hint" });
  const shared = el("input", { type: "checkbox" });
  const problem = el("p.problem", { role: "alert" }, me || oldKey ? TEXT.expired : null);
  return new Promise((resolve) => {
    const tryKey = async (event) => {
      event.preventDefault();
      const typed = cleanKey(key.value);
      const answer = await send("GET", "v1/users/me", { key: typed });
      problem.textContent = answer.ok ? "" : answer.status === 401 ? TEXT.wrongKey : failure(answer).message;
      if (!answer.ok) return;
      keepKey(typed, shared.checked ? sessionStorage : localStorage);
      if (me && me.id !== answer.content.data.id) {
        state.me = null; // hides the drafts, which are kept
        return location.reload();
      }
      dialog.onclose = null;
      dialog.close();
      resolve();
    };
    ask(agency ?? TEXT.title, problem, el("form", { submit: tryKey },
      el("label", { for: "key" }, TEXT.key), key, el("p.hint", { id: "key-hint" }, TEXT.signInHint),
      el("label.check", shared, TEXT.shared),
      el("div.actions", el("button.main", TEXT.signIn),
        me && !oldKey ? button(TEXT.tryAgain, tryKey) : null))); // the user is named by the app or proxy
    dialog.classList.toggle("cover", !me);
    dialog.onclose = () => dialog.showModal(); // Escape must not close it
  });
}

/** Move a key from the address, as in an invitation, to the storage of this tab. Returns whether there was one. */
export function takeKeyFromAddress() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key === null) return false;
  history.replaceState(null, "", `${location.pathname}#/`);
  sessionStorage.setItem(stored("link"), cleanKey(key));
  return true;
}

/** The user whom a key belongs to, or null. Without a key, the user whom the embedding app or a proxy names. */
const userOf = (key, signal) => call("GET", "v1/users/me", { key, signal }).catch((error) => {
  if (error.status !== 401) throw error;
  return null;
});

/** Sign in with the key of a link, unless that replaces another person who does not agree. */
async function followLink(key, signal) {
  const [mine, theirs] = [await userOf(state.key, signal), await userOf(key, signal)];
  sessionStorage.removeItem(stored("link"));
  if (!theirs) return say(TEXT.wrongLink);
  if (!mine || mine.id === theirs.id) return keepKey(key, localStorage);
  const agree = () => {
    keepKey(key, localStorage);
    state.me = null; // the drafts are kept
    location.reload();
  };
  ask(TEXT.otherTitle, el("p", TEXT.otherHint(mine.email, theirs.email)), el("div.actions",
    button(value(TEXT.stayAs(mine.email)), () => dialog.close(), "main"), button(value(TEXT.signInAs(theirs.email)), agree)));
}

/** Find out who is signed in, from the opened link or the stored key, or ask. */
export async function signIn(signal) {
  state.key = storedKey();
  const linked = sessionStorage.getItem(stored("link"));
  if (linked) await followLink(linked, signal);
  return call("GET", "v1/users/me", { signal });
}

export function signOut() {
  forget("");
  location.hash = "#/";
  location.reload();
}

/** Follow a sign-in or sign-out in another tab. */
addEventListener("storage", ({ key }) => {
  if (key === stored("key") && !sessionStorage.getItem(stored("key"))) location.reload();
});
