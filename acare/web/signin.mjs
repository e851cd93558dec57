// Signing in and out: by a key that is typed or in a link, or by the embedding app or a proxy.

import { showDay, showTime } from "./values.mjs";
import { agency, ask, check, dialog, el, field, find, no, say, value, yes } from "./dom.mjs";
import { call, readStored, send, session, stored } from "./session.mjs";
import { drafts } from "./place.mjs";

/** The key in a text or a link, without spaces and characters that a header cannot have. */
const cleanKey = (text) => text.replace(/^.*#(key|invite)=/s, "").replace(/[^!-~]/g, "");
/** Remove all entries whose names begin with a prefix from both storages. */
const forget = (start) =>
	[localStorage, sessionStorage].forEach((storage) =>
		Object.keys(storage)
			.filter((name) => name.startsWith(stored(start)))
			.forEach((name) => storage.removeItem(name)),
	);

/** The names of browsers, the most telling first. They send at least three letters of them. */
const BROWSERS = ["Edge", "Firefox", "Chrome", "Safari"];
const browserName = () =>
	BROWSERS.find((name) => navigator.userAgent.includes(name.slice(0, 3))) ?? "Browser";

const isUnauthorized = (error) => {
	if (error.status !== 401) throw error;
	return error;
};
const isInviting = (text) => text.includes("#invite=");

/** Why a text does not let a person in, from the answer to its key. */
function refusal(text, { details }) {
	const noun = isInviting(text) ? "invitation" : "key";
	const { reason, endedAt } = details ?? {};
	const end = endedAt ? ` on ${showTime(endedAt)}` : "";
	if (reason === "expired") return `This ${noun} expired${end}. Ask for a new one.`;
	if (reason !== "revoked") return `This ${noun} is not valid. Ask for a new one.`;
	const what = noun === "key" ? "was revoked" : "was used or revoked";
	return `This ${noun} ${what}${end}. Ask for a new one.`;
}

/** What the key in a text is: {user}, {isInvitation}, or {problem}. */
const examine = (text) =>
	call("GET", "v1/users/me", { key: cleanKey(text) }).then(
		(user) => ({ user }),
		(error) => {
			const { details } = isUnauthorized(error);
			return details?.reason === "invitation"
				? { isInvitation: true }
				: { problem: refusal(text, error) };
		},
	);

/** Sign in with a key or an invitation, in this tab alone if the computer is shared. An invitation
 *  gives this browser a key of its own, which signing out revokes. */
async function signIn(text, isShared, isInvitation = false) {
	let given = { key: cleanKey(text), id: "" };
	if (isInvitation) {
		const name = `${browserName()}, ${showDay(new Date())}`;
		given = await call("POST", "v1/keys/redeem", { body: { name }, key: given.key }).catch(
			(error) => {
				throw new Error(refusal(text, isUnauthorized(error)));
			},
		);
	}
	forget("key");
	const storage = isShared ? sessionStorage : localStorage;
	storage.setItem(stored("key"), given.key);
	storage.setItem(stored("key-id"), given.id);
	session.key = given.key;
}
const sharedBox = () =>
	check("shared", "This is a shared computer: sign out when this tab is closed");

let linkProblem = null; // of the link that was opened, for a person who is not signed in

/** Ask for a key until one is valid. What is in the page stays, unless another person signs in. */
export async function askForKey() {
	const { me, key: oldKey } = session;
	const tryKey = async ({ key, shared }) => {
		const found = await examine(key);
		if (found.problem) throw new Error(found.problem);
		await signIn(key, shared, found.isInvitation);
		const user = found.user ?? (await userOf(session.key));
		if (!me || me.id === user?.id) return;
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
			el(
				"p.hint",
				{ id: "hint" },
				"Ask your broker for a link. Brokers create links under People.",
			),
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
	call("GET", "v1/users/me", { key }).catch((error) => isUnauthorized(error) && null);

/** Sign in with the key in a link, after a question if that replaces another person or if it is an
 *  invitation. */
export async function followLink(text) {
	const [mine, { user, isInvitation, problem }] = [await userOf(session.key), await examine(text)];
	if (problem) return say((linkProblem = problem));
	if (user && (mine ?? user).id === user.id) return signIn(text);
	const theirs = user
		? `The link that you opened signs you in as ${user.email}.`
		: "The link that you opened is an invitation. It signs in one browser, once.";
	const stay =
		mine && Object.assign(no(`Stay signed in as ${mine.email}`, "main"), { autofocus: true });
	const go = user ? `Sign in as ${user.email}` : "Sign in with the invitation";
	return ask(
		"Sign in with this link?",
		[el("p", mine && `You are signed in as ${mine.email}. `, theirs), sharedBox()],
		[stay, yes(go, mine ? "" : "main")],
		({ shared }) => signIn(text, shared, isInvitation),
	);
}

/** Sign out, after a question if that deletes drafts. A key of this browser alone is revoked. */
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
	const id = readStored("key-id");
	if (id) await send("DELETE", `v1/keys/${id}`);
	forget("");
	location.hash = "#/";
	location.reload();
}
