// Where the person is: the view that is shown, and the list that they came from.

/** ``address`` is the address of the view, ``previous`` of the view before, ``list`` of the last
 *  list. ``refresh`` reads the view again, ``render`` draws it anew, and ``countDue`` counts the follow-ups that are due. ``latest`` is the client that
 *  was read or saved last. */
export const place = {
	address: null,
	previous: null,
	list: null,
	refresh: null,
	render: null,
	countDue: null,
	latest: null,
	ahead: null,
};
/** What the last list has shown: its address, clients and meta, how far it was scrolled, and the id
 *  of the row to focus. */
export const results = { address: null, clients: [], meta: null, scroll: 0, id: null };

/** Show the view at an address, anew if it is shown. */
export async function go(address) {
	if (address === location.hash) await place.render();
	else location.replace(address);
}

/** Keep the newest state of a client for its page and, if it is in there, the list. */
export function remember(client) {
	place.latest = client;
	results.clients = results.clients.map((row) =>
		row.id === client.id ? { ...row, ...client } : row,
	);
}
