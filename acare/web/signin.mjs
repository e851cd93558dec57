// Signing in and out: by a key that is typed or in a link, or by the embedding app or a proxy.

import { showDay } from "./values.mjs";
import { agency, ask, check, dialog, el, field, find, no, say, value, yes } from "./dom.mjs";
import { call, failure, send, session, stored } from "./session.mjs";
import { drafts } from "./drafts.mjs";

/** The key in a text or a link, without spaces and characters that a header cannot have. */
const cleanKey = (text) => text.replace(/^.*#(key|invite)=/s, "").replace(/[^!-~]/g, "");
/** Remove all entries whose names begin with a prefix from both storages. */
const forget = (start) =>
  [localStorage, sessionStorage].forEach((storage) =>
    Object.keys(storage)
      .filter((name) => name.startsWith(stored(start)))
      .forEach((name) => storage.removeItem(name)),
  );

/** Whether the address is a link with a key. */
export const isLink = () => /^#(key|invite)=/.test(location.hash);

session.key = sessionStorage.getItem(stored("key")) ?? localStorage.getItem(stored("key"));
/** The parts of the names that browsers send, the most telling first, and what people call them. */
const BROWSERS = {
  Edg: "Edge",
  OPR: "Opera",
  Firefox: "Firefox",
  Chrome: "Chrome",
  Safari: "Safari",
};
const browserName = () =>
  BROWSERS[Object.keys(BROWSERS).find((name) => navigator.userAgent.includes(name))] ?? "Browser";

/** Sign in with a key, in this tab alone if the computer is shared. An invitation works once: with
 *  its key, make one of this browser's own, and revoke it. If it has no right to make keys, it
 *  stays the key of this browser. */
async function signIn(text, isShared) {
  let [key, id] = [cleanKey(text), ""]; // the id is of a key that only this browser has
  const storage = isShared ? sessionStorage : localStorage;
  if (text.includes("#invite=")) {
    // a closed tab cannot revoke its key
    const ends = new Date(Date.now() + 12 * 3_600_000).toISOString();
    const body = {
      name: `${browserName()}, ${showDay(new Date())}`,
      ...(isShared && { expires_at: ends }),
    };
    const own = await call("POST", "v1/keys", { body, key }).catch(() => null);
    if (own) await call("DELETE", `v1/keys/${own.made_with}`, { key: own.key }).catch(() => null);
    if (own) ({ key, id } = own);
  }
  forget("key");
  storage.setItem(stored("key"), key);
  storage.setItem(stored("key-id"), id);
  session.key = key;
}
const sharedBox = () =>
  check("shared", "This is a shared computer: sign out when this tab is closed");

let linkProblem = null; // of the link that was opened, for a person who is not signed in

/** Ask for a key until one is valid. What is in the page stays, unless another person signs in. */
export async function askForKey() {
  const { me, key: oldKey } = session;
  const tryKey = async ({ key, shared }) => {
    const answer = await send("GET", "v1/users/me", { key: cleanKey(key) });
    if (answer.status === 401) throw new Error("This key is not valid. Ask for a new one.");
    if (!answer.ok) throw failure(answer);
    await signIn(key, shared);
    if (!me || me.id === answer.content.data.id) return;
    session.me = null; // hides the drafts, which are kept
    // so that nothing that waits for a key is sent with this one
    await new Promise(() => location.reload());
  };
  const asked = ask(
    agency ?? "Clients",
    [
      field(
        "Your key or invitation link",
        el("input", { name: "key", type: "password", "aria-describedby": "hint" }),
      ),
      el("p.hint", { id: "hint" }, "Ask your broker for a link. Brokers make one under People."),
      sharedBox(),
    ],
    [yes("Sign in"), me && !oldKey ? yes("Try again without a key", "") : null],
    tryKey,
  ); // an app or proxy names the user
  find("#dialog .problem").textContent =
    me || oldKey
      ? "Your key is no longer valid. Sign in again to continue. What you typed is kept."
      : linkProblem;
  dialog.classList.toggle("cover", !me);
  dialog.onclose = () => dialog.showModal(); // Escape must not close it
  await asked;
  dialog.onclose = null;
}

/** The user whom a key belongs to, or null. Without a key, the user whom the embedding app or a
 *  proxy names. */
const userOf = (key) =>
  call("GET", "v1/users/me", { key }).catch((error) => {
    if (error.status === 401) return null;
    throw error;
  });

/** Sign in if the address is a link with a key, after a question if that replaces another person or
 *  if it is an invitation. The key leaves the address at once. */
export async function followLink() {
  const link = location.hash;
  if (!isLink()) return null;
  history.replaceState(null, "", `${location.pathname}#/`);
  const [mine, theirs] = [await userOf(session.key), await userOf(cleanKey(link))];
  if (!theirs) return say((linkProblem = "The link was used already, or it is not valid."));
  const isInvitation = link.startsWith("#invite=");
  if (isInvitation && mine?.id === theirs.id) {
    return say(
      `You are signed in as ${mine.email} here. The link is for another device, and still works there.`,
    );
  }
  if (!isInvitation && (mine ?? theirs).id === theirs.id) return signIn(link);
  const stay =
    mine && Object.assign(no(`Stay signed in as ${mine.email}`, "main"), { autofocus: true });
  const given = await ask(
    "Sign in with this link?",
    [
      el(
        "p",
        mine && `You are signed in as ${mine.email}. `,
        `The link that you opened signs you in as ${theirs.email}.`,
      ),
      sharedBox(),
    ],
    [stay, yes(`Sign in as ${theirs.email}`, mine ? "" : "main")],
  );
  return given && signIn(link, given.shared);
}

/** Sign out, after a question if that deletes drafts. A key that this browser alone has is revoked.
 *  */
export async function signOut() {
  const unsaved = drafts()
    .map(({ text }) => text)
    .join(", ");
  if (
    unsaved &&
    !(await ask("Sign out?", el("p", "This deletes what you have not saved: ", value(unsaved)), [
      yes("Sign out", "danger main"),
      no(),
    ]))
  )
    return;
  const id = [sessionStorage, localStorage]
    .map((storage) => storage.getItem(stored("key-id")))
    .find(Boolean);
  if (id) await send("DELETE", `v1/keys/${id}`);
  forget("");
  location.hash = "#/";
  location.reload();
}

/** Follow a sign-in or sign-out in another tab. */
addEventListener("storage", ({ key }) => {
  if (key === stored("key") && !sessionStorage.getItem(stored("key"))) location.reload();
});
