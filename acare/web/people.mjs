// The people of the agency and their keys. An agent sees their own keys.

import {
	counted,
	daysUntil,
	dueIn,
	explain,
	label,
	same,
	showDay,
	showNumber,
	showTime,
} from "./values.mjs";
import { jobsFor } from "./changes.mjs";
import {
	ask,
	badge,
	button,
	check,
	choicesOf,
	copy,
	el,
	field,
	no,
	say,
	select,
	show,
	undoButton,
	value,
	words,
	yes,
} from "./dom.mjs";
import {
	BASE,
	call,
	owner,
	pagesOf,
	people,
	person,
	ready,
	session,
	shortName,
} from "./session.mjs";
import { place } from "./place.mjs";
import { run } from "./bulk.mjs";

const isMine = ({ preview }) =>
	Boolean(session.key) && preview === `${session.key.slice(0, 8)}…${session.key.slice(-4)}`;
const isValid = (key) =>
	key.revoked_at === null && (key.expires_at === null || new Date(key.expires_at) > new Date());

/** The scopes of the key of a web form. */
const FORM_SCOPES = { clients: ["create"] };

/** The valid keys, which the server lists before those that ended. */
async function validKeys(signal) {
	const found = [];
	for await (const { keys } of pagesOf("keys", "", signal)) {
		found.push(...keys.filter(isValid));
		if (!keys.every(isValid)) break;
	}
	return { keys: found };
}

export async function peopleView(_, signal) {
	await ready(signal);
	const [{ users }, { keys, problem }] = await Promise.all([
		call("GET", "v1/users?disabled=true", { signal }),
		validKeys(signal).catch((error) => {
			if (error.status !== 403) throw error;
			return { keys: [], problem: error }; // of a key that may see the people alone
		}),
	]);
	session.users = new Map(users.map((user) => [user.id, user]));
	place.controls = null; // they name the people
	const isBroker = session.me.role === "broker";
	const hint =
		"Browsers and programs sign in with these keys. Revoke a key that is lost or no longer needed.";
	show(
		isBroker ? "People" : "My keys",
		{ actions: isBroker && button("Add a colleague", () => edit({}), "main") },
		el("p.hint", problem ? explain(problem) : hint),
		users.map((user) => card(user, keys, !problem)),
	);
}

function card(user, keys, seesKeys) {
	const action = ([text, run]) => button(text, () => run(user), "quiet", `${text}: ${user.email}`);
	const own = keys.filter((key) => key.user_id === user.id);
	const rows = own.map(keyRow);
	return el(
		"section.card",
		el(
			"div.heading",
			el("h2", person(user.email)),
			badge(user.role),
			user.disabled && badge("disabled"),
			el("div.actions", actionsFor(user, seesKeys).map(action)),
		),
		rows.length
			? el("ul.keys", rows)
			: seesKeys && el("div.hint", "No keys: this person cannot sign in."),
	);
}

function actionsFor({ id, disabled }, seesKeys) {
	const { me } = session;
	return [
		me.role === "broker" && ["Edit", edit],
		me.role === "broker" && ["Hand over clients", handOver],
		seesKeys && !disabled && ["New invitation link", makeLink],
		seesKeys && id === me.id && ["Key for a web form", makeFormKey],
	].filter(Boolean);
}

function keyRow(key) {
	const name = key.name ?? "";
	const maker =
		key.made_by === null
			? "Administrator"
			: key.made_by === key.email
				? null
				: shortName(key.made_by);
	const use = isMine(key)
		? "You use this key"
		: key.invitation
			? "Unused invitation"
			: same(key.scopes, FORM_SCOPES)
				? "Only adds clients"
				: null;
	return el(
		"li",
		el(
			"div",
			el("strong", value(name)),
			" ",
			el("code", key.preview),
			" ",
			use && el("span.badge", use),
			el(
				"div.hint",
				`Created ${showDay(key.created_at)}${maker ? ` by ${maker}` : ""} · `,
				key.last_used_at ? `Last used ${showDay(key.last_used_at)}` : "Never used",
				key.expires_at && ` · Ends ${showTime(key.expires_at)}`,
			),
		),
		button("Revoke", () => revoke(key), "danger quiet", `Revoke: ${name} ${key.preview}`),
	);
}

async function revoke(key) {
	const also = check("made", "Also revoke the keys that were made with it", {
		value: "?made=true",
	});
	const isDone = await ask(
		`Revoke the key “${key.name || key.preview}”?`,
		[el("p", "Everything that uses this key is signed out at once."), also],
		[yes("Revoke", "danger main"), no()],
		({ made = "" }, signal) => call("DELETE", `v1/keys/${key.id}${made}`, { signal }),
	);
	if (isDone) await showResult("The key was revoked.");
}

async function showResult(text, action) {
	await place.render();
	say(text, action);
}

/** Change a person, or add one and show the link that signs them in. */
async function edit({ id = null, email = "", role = "agent", disabled = false }) {
	const title = id ? `Edit ${shortName(email)}` : "Add a colleague";
	const mail = { type: "email", name: "email", value: email, required: true, autocomplete: "off" };
	const fields = [
		field(label("email"), el("input", mail)),
		field("Role", select({ name: "role", value: role }, words(["agent", "broker"]))),
		id &&
			check("disabled", "Disabled: cannot sign in. The clients are kept.", { checked: disabled }),
	];
	const saved = await ask(title, fields, [yes(id ? "Save" : title), no()], (given, signal) => {
		const body = { ...given, disabled: "disabled" in given };
		return call(id ? "PUT" : "POST", id ? `v1/users/${id}` : "v1/users", { body, signal });
	});
	if (!saved) return null;
	if (!id) return makeLink(saved);
	// all views depend on who is signed in
	return id === session.me.id ? location.reload() : showResult("Saved.");
}

/** Make a link for a person, with the rights of this page's own key. */
const makeLink = ({ id, email }) =>
	makeKey(
		{ user_id: id, invitation: true },
		`Invitation for ${shortName(email)}`,
		({ expires_at: end }) =>
			`Send this link only to ${email}: it signs in one device, once, until ${showTime(end)}. The link is not shown again.`,
		`${BASE.href}#invite=`,
	);

/** Make a key that can only create clients, which belong to this person. */
const makeFormKey = () =>
	makeKey(
		{ name: "Web form", scopes: FORM_SCOPES },
		"Key for a web form",
		() =>
			"A web form with this key can add clients for you, but not see or change any. The key is not shown again.",
	);

/** Make a key and show it once, after the text that makes it a link. */
async function makeKey(body, title, hint, start = "") {
	const made = await call("POST", "v1/keys", { body });
	await place.render();
	const [code, copied] = [el("code", start, made.key), el("span.hint", { role: "status" })];
	const copyCode = () => {
		copy(code);
		copied.textContent = "Copied.";
	};
	const buttons = [button("Copy", copyCode, "main"), no("Close"), copied];
	await ask(title, [el("p", hint(made)), code], buttons);
}

/** What there is to hand over: how many clients of each status, and follow-ups. */
function factsOf(clients) {
	const count = (status) => showNumber(clients.filter((one) => one.status === status).length);
	const dates = clients.map(({ tags }) => dueIn(tags)).filter(Boolean);
	const late = dates.filter((date) => daysUntil(date) < 0).length;
	const dues = `${showNumber(dates.length)}${late ? `, of which ${showNumber(late)} overdue` : ""}`;
	const facts = [
		...choicesOf("status").map(([status, text]) => [text, count(status)]),
		["Follow-ups", dues],
	];
	return el(
		"dl",
		facts.map(([name, text]) => el("div", el("dt", name), el("dd", text))),
	);
}

/** Give all clients of a person to another one, after a dialog that names both and what moves, and can
 *  disable them. */
async function handOver(user) {
	const from = shortName(user.email);
	const clients = [];
	for await (const page of pagesOf("clients", `user_id=${user.id}`)) clients.push(...page.clients);
	if (!clients.length) return say(`${from} has no clients.`);
	const others = people().filter(([id]) => id !== user.id && !session.users.get(id).disabled);
	const to = select({ name: "to", required: true }, [["", "Choose…"], ...others]);
	const leaves = check("leaves", `Also disable ${from}, who can then no longer sign in`);
	const given = await ask(
		`Hand over the clients of ${from}`,
		[factsOf(clients), field("New owner", to), user.disabled ? null : leaves],
		[yes(`Hand over ${counted(clients.length, "client")}`), no()],
		async (values, signal) => {
			await call("POST", `v1/users/${user.id}/handover`, { body: { to: values.to }, signal });
			if (values.leaves)
				await call("PUT", `v1/users/${user.id}`, { body: { disabled: true }, signal });
			return values;
		},
	);
	if (!given) return;
	const undo = async () => {
		if (given.leaves) await call("PUT", `v1/users/${user.id}`, { body: { disabled: false } });
		// apart from those that have changed since
		const moved = clients.map((client) => ({
			...client,
			user_id: given.to,
			version: client.version + 1,
		}));
		return run(
			{ kind: "owner", value: user.id, done: [], isUndo: true },
			jobsFor("owner", user.id, moved),
		);
	};
	const text = `The clients of ${from} now belong to ${shortName(owner(given.to))}.`;
	await showResult(text, undoButton(undo));
}
