// Other clients who may be the same person as the one in a form.

import { fullName, isolate, label } from "./values.mjs";
import { el, link, value } from "./dom.mjs";
import { call, owner, shortName } from "./session.mjs";
import { draftId } from "./place.mjs";

/** The fields that say who a client is. */
export const WHO = ["first_name", "last_name", "phone", "email"];

const initials = (text) => text.normalize("NFD").replace(/(\S)[^\s-]*[\s-]*/g, "$1");
/** Whether two names may be spellings of one: the search also finds longer words and other fields. */
const isAlike = (a, b) => initials(a) === initials(b) && Math.abs(a.length - b.length) < 4;

/** Other clients that have the new name, e-mail address or phone number of a draft: [{id, name,
 *  about}]. An agent finds only their own. */
export async function findTwins({ id, values }, { first_name, last_name, email, phone }, options) {
	const name = fullName(values).toLowerCase();
	const search = async (what, query, isTwin = () => true) => {
		const path = `v1/clients?${new URLSearchParams({ ...query, limit: "5" })}`;
		const { clients } = await call("GET", path, options).catch((error) => {
			if (error.status === 400) return { clients: [] }; // saving reports the reason
			throw error;
		});
		return clients
			.filter((client) => client.id !== id && isTwin(client))
			.map((client) => [client.id, aboutOf(client, `same ${what}`)]);
	};
	const isNamed = (client) => isAlike(name, fullName(client).toLowerCase());
	const found = await Promise.all([
		(first_name || last_name) && values.first_name && values.last_name
			? search("name", { q: name }, isNamed)
			: [],
		phone?.replace(/\D/g, "").length >= 7 ? search("phone", { q: phone }) : [], // in any notation
		email ? search("e-mail", { email }) : [],
	]);
	return [...new Map(found.flat()).values()];
}

/** What says who a client is, after ``first``: {id, name, about}. */
function aboutOf(client, first) {
	const { id, phone, status, user_id } = client;
	const about = [first, phone, label(status), shortName(owner(user_id))];
	return { id, name: fullName(client), about: about.filter(Boolean).join(" · ") };
}

/** A client who may be the same person, with links: [[text, href]]. */
const twinRow = ({ id, name, about }, links) =>
	el(
		"div.bar",
		el("span", link(value(name), `#/client/${id}`), `: ${about}`),
		el(
			"span.end.bar",
			links.map(([text, href]) =>
				el("a.button", { href, "aria-label": `${text} ${isolate(name)}` }, text),
			),
		),
	);

/** The clients that were found for a draft, with links to open and to merge them. */
export function twinsOf(draft) {
	if (!draft.twins?.length) return "";
	const rows = draft.twins.map((twin) => {
		const open = `#/client/${twin.id}`;
		const merge = draft.id
			? `#/client/${draft.id}/merge/${twin.id}`
			: `${open}/merge/${draftId(draft)}`;
		return twinRow(twin, [
			["Open", open],
			["Merge…", merge],
		]);
	});
	return el("div.note", el("strong", "Already a client?"), rows);
}
