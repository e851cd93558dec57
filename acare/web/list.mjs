// The list of clients: search, filters, pages.

import { TEXT, label } from "./text.mjs";
import { FIELDS, hiddenMatch } from "./record.mjs";
import {
  explain, fullName, isolate, listAddress, pageNumbers, showBudget, showNumber, showTime, writeQuery,
} from "./values.mjs";
import {
  badge, button, currency, el, find, focusHeading, go, link, mail, phone, say, select, show, table, time, value, words,
} from "./dom.mjs";
import { call, owner, people, state } from "./requests.mjs";
import { restore, signature } from "./history.mjs";

const withoutDomain = (email) => email.replace(state.me.email.replace(/^.*(?=@)/, ""), ""); // in the reader's own agency

const COLUMNS = [
  ["name", label("name"), (client, query) => {
    const match = query.q && hiddenMatch(client, query.q);
    return [link(value(fullName(client)), `#/client/${client.id}`),
      match && el("small.match", `${label(match.name)}: `, value(match.text))].filter(Boolean);
  }],
  ["status", label("status"), (client) => badge(client.status)],
  ["type", label("client_type"), (client) => label(client.client_type)],
  ["budget", label("budget"), (client) => showBudget(client, currency) || null],
  ["phone", label("phone"), (client) => phone(client.phone)],
  ["email", label("email"), (client) => mail(client.email)],
  ["owner", label("user_id"), ({ user_id: id }) =>
    (state.users.size > 1 ? el("bdi", { title: owner(id) }, withoutDomain(owner(id))) : null)],
  ["changed", label("updated_at"), (client) => time(client.updated_at)],
  ["deleted", TEXT.deleted, (client) => [value(withoutDomain(signature(client))), " ",
    button(TEXT.restore, () => restore(client.id), "", `${TEXT.restore}: ${isolate(fullName(client))}`)]],
];
const OF_DELETED = ["name", "phone", "email", "owner", "deleted"];

/** The table of clients, without the columns that would be empty. */
function clientTable(clients, query) {
  const columns = COLUMNS.filter(([name]) => (query.deleted ? OF_DELETED.includes(name) : name !== "deleted"));
  const rows = clients.map((client) => columns.map(([, , cell]) => cell(client, query)));
  const filled = columns.map((_, at) => rows.some((cells) => cells[at] !== null));
  return table("clients", TEXT.title, columns.filter((_, at) => filled[at]),
    rows.map((cells) => cells.filter((_, at) => filled[at])));
}

const empty = (title, hint, action) => el("div.empty", el("h2", title), el("p", hint), action);
const FILTERS = ["client_type", "status", "user_id", "deleted"];

/** What the list is limited to, in words: “smith”, Type: Buyer. */
export function describeFilters(query) {
  const shown = ([name, text]) => ({ q: TEXT.quoted(text), deleted: TEXT.deletedClients }[name]
    ?? `${label(name)}: ${name === "user_id" ? owner(text) : label(text)}`);
  return ["q", ...FILTERS].map((name) => [name, query[name]]).filter(([, text]) => text).map(shown).join(", ");
}

function listFrame() {
  const filter = (name, options, title = label(name)) => el("label", title, select({ name }, options));
  const choice = (name) => filter(name, [["", TEXT.all], ...words(FIELDS.find((field) => field.name === name))]);
  const owners = [["", TEXT.all], ...people()];
  const search = { type: "search", name: "q", maxlength: "200", placeholder: TEXT.searchHint, autocomplete: "off" };
  let typing = 0;
  const input = ({ target: { name } }) => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      if (!controls.isConnected) return;
      state.list = listAddress(Object.fromEntries(new FormData(controls)));
      go(state.list, name === "q");
    }, name === "q" ? 40 : 0);
  };
  const unfold = ({ target }) => target.setAttribute("aria-expanded", target.ariaExpanded !== "true");
  const controls = el("form.filters", { role: "search", input, submit: (event) => event.preventDefault() },
    el("label.search", TEXT.search, el("input", search)),
    el("button.fold", { type: "button", "aria-expanded": "false", click: unfold }),
    choice("client_type"), choice("status"), owners.length > 2 ? filter("user_id", owners) : null,
    filter("deleted", [["", TEXT.title], ["true", TEXT.deletedClients]], TEXT.show), link(TEXT.clear, "#/", "clear"));
  show(TEXT.title, { actions: link(TEXT.create, "#/new", "button main") }, controls,
    el("div.summary", el("p.total", { role: "status" }), el("div.handout")), el("p.printed"), el("div.results"));
  state.list = null;
  return controls;
}

/** Links to the previous and next page, which stay under the pointer, and to others, and a field for any page. */
function pager({ page, totalPages }, turn) {
  if (totalPages < 2) return null;
  const jump = (event) => {
    event.preventDefault();
    const wanted = Number(new FormData(event.target).get("page").replace(/\D/g, ""));
    go(turn(Math.min(Math.max(wanted, 1), totalPages)));
  };
  const step = (text, to) =>
    (to >= 1 && to <= totalPages ? link(text, turn(to), "button") : el("button", { disabled: true }, text));
  const numbers = pageNumbers(page, totalPages).flatMap((number, at, all) => [number - all[at - 1] > 1 ? "…" : null,
    el("a.page", { href: turn(number), "aria-label": TEXT.pageNumber(showNumber(number)),
      "aria-current": number === page ? "page" : null }, showNumber(number))]);
  return el("nav.paging", { "aria-label": TEXT.pages },
    step(TEXT.previous, page - 1), step(TEXT.next, page + 1), el("span.pages", numbers),
    totalPages > 5 ? el("form", { submit: jump },
      el("label", TEXT.jump, el("input", { name: "page", inputmode: "numeric", maxlength: "9", autocomplete: "off" })),
      el("button", TEXT.go)) : null);
}

/** Buttons for all clients that the filters match: a file, or a print of all pages. */
function handout({ page: _, ...filters }, signal) {
  const download = async () => {
    const href = URL.createObjectURL(await call("GET", `v1/clients.csv?${writeQuery(filters)}`, { as: "blob", signal }));
    el("a", { href, download: `clients-${new Date().toISOString().slice(0, 10)}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000); // once it is saved
  };
  const print = async () => {
    const rows = [];
    let meta = { hasMore: true };
    for (let page = 1; meta.hasMore && page <= 10; page += 1) { // of 100 clients
      const found = await call("GET", `v1/clients?${writeQuery({ ...filters, page, limit: 100 })}`, { signal });
      rows.push(...found.clients);
      ({ meta } = found);
    }
    const all = TEXT.total(meta.total, showNumber(meta.total));
    find(".total").textContent = meta.hasMore ? TEXT.firstOf(showNumber(rows.length), all) : `${all}.`;
    find(".results").replaceChildren(clientTable(rows, filters));
    addEventListener("afterprint", state.render, { once: true }); // shows the page again
    window.print();
  };
  return [[TEXT.download, download], [TEXT.print, print]].map(([text, work]) =>
    button(text, () => work().catch((error) => signal.aborted || say(explain(error))), "quiet"));
}

export async function listView({ query }, signal) {
  const controls = find("form.filters") ?? listFrame();
  if (state.list !== listAddress(query)) { // else the controls set it, and may have changed again
    state.list = listAddress(query);
    for (const [name, text] of Object.entries(query)) if (controls[name]) controls[name].value = text;
  }
  const count = FILTERS.filter((name) => query[name]).length;
  const isFiltered = Boolean(query.q || count);
  const [results, turn] = [find(".results"), (page) => listAddress({ ...query, page: String(page) })];
  find("h1").textContent = query.deleted ? TEXT.deletedClients : TEXT.title;
  find(".clear").hidden = !isFiltered;
  find(".fold").textContent = TEXT.filters(count);
  results.setAttribute("aria-busy", "true");
  const { clients, meta } = await call("GET", `v1/clients?${writeQuery(query)}`, { signal });
  if (meta.total && !clients.length) return go(turn(meta.totalPages), true); // the list is shorter than it was
  const pages = meta.totalPages > 1 ? ` ${TEXT.pageOf(showNumber(meta.page), showNumber(meta.totalPages))}.` : "";
  find(".total").textContent = clients.length ? `${TEXT.total(meta.total, showNumber(meta.total))}.${pages}` : "";
  find(".handout").replaceChildren(...(clients.length && !query.deleted ? handout(query, signal) : []));
  find(".printed").textContent = `${describeFilters(query) || TEXT.allClients} · ${showTime(new Date(), { long: true })}`;
  results.removeAttribute("aria-busy");
  results.replaceChildren(
    clients.length ? clientTable(clients.map((client, at) => ({ ...client, ...meta.deleted?.[at] })), query)
      : isFiltered ? empty(TEXT.noMatch, TEXT.noMatchHint, link(TEXT.clear, "#/", "button"))
        : empty(TEXT.none, TEXT.noneHint, link(TEXT.create, "#/new", "button main")),
    clients.length ? pager(meta, turn) ?? "" : "");
  if (document.activeElement === document.body) focusHeading(); // the link that had the focus is gone
}
