// The list of clients: search, filters, pages.

import { TEXT, label } from "./text.mjs";
import { FIELDS, hiddenMatch, same } from "./record.mjs";
import {
  PROPERTY, apiQuery, explain, fullName, isolate, listAddress, showBudget, showNumber, showTime, writeQuery,
} from "./values.mjs";
import {
  badge, button, currency, el, find, focusHeading, go, link, mail, phone, say, select, show, table, time, value, words,
} from "./dom.mjs";
import { call, draftLinks, draftNote, owner, people, person, ready, shortName, state } from "./requests.mjs";
import { restore, signature } from "./history.mjs";

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
  ["owner", label("user_id"), ({ user_id: id }) => (state.users.size > 1 ? person(owner(id)) : null)],
  ["changed", label("updated_at"), (client) => time(client.updated_at)],
  ["deleted", TEXT.deleted, (client) => [value(signature(client)), " ",
    button(TEXT.restore, () => restore(client.id), "", `${TEXT.restore}: ${isolate(fullName(client))}`)]],
];
const OF_DELETED = ["name", "phone", "email", "owner", "deleted"];

/** The table of clients, without the columns that would be empty. */
function clientTable(clients, query) {
  const columns = COLUMNS.filter(([name]) => (query.deleted ? OF_DELETED.includes(name) : name !== "deleted"));
  const rows = clients.map((client) => columns.map(([, , cell]) => cell(client, query)));
  const filled = columns.map((_, at) => rows.some((cells) => cells[at] !== null));
  const shown = table("clients", TEXT.title, columns.filter((_, at) => filled[at]),
    rows.map((cells) => cells.filter((_, at) => filled[at])));
  shown.addEventListener("click", openRow);
  shown.addEventListener("auxclick", openRow);
  return shown;
}

/** A click anywhere in a row is one on its link, except to select text. */
function openRow(event) {
  const row = event.target.closest("tbody tr");
  if (!row || event.target.closest("a, button") || event.button > 1 || !getSelection().isCollapsed) return;
  row.querySelector(".name a").dispatchEvent(new MouseEvent(event.type, event));
}

const FILTERS = ["client_type", "status", "user_id", "deleted", ...PROPERTY];

/** What the list is limited to, in words: “smith”, Type: Buyer. */
function describeFilters(query) {
  const shown = ([name, text]) => ({ q: TEXT.quoted(text), deleted: TEXT.deletedClients }[name]
    ?? `${label(name)}: ${name === "user_id" ? shortName(owner(text)) : label(text)}`);
  return ["q", ...FILTERS].map((name) => [name, query[name]]).filter(([, text]) => text).map(shown).join(", ");
}

let opensFirst = false; // Enter was pressed in the search: the first client is opened once it is found

function listFrame() {
  const filter = (name, unset, options) => select({ name, "aria-label": label(name) }, [["", unset], ...options]);
  const choice = (name) => filter(name, TEXT.all[name], words(FIELDS.find((field) => field.name === name)));
  const search = { type: "search", name: "q", maxlength: "200", placeholder: TEXT.searchHint, autocomplete: "off" };
  let typing = 0;
  const apply = (isTyped) => {
    clearTimeout(typing);
    if (!controls.isConnected) return;
    state.list = listAddress(Object.fromEntries(new FormData(controls)));
    if (state.list !== (location.hash || "#/")) go(state.list, isTyped);
    else if (opensFirst) openFirst();
  };
  const input = ({ target }) => {
    opensFirst = false;
    clearTimeout(typing);
    if (target.matches("input")) typing = setTimeout(apply, 150, true);
    else apply();
  };
  const submit = (event) => {
    event.preventDefault();
    opensFirst = document.activeElement.name === "q";
    apply(true);
  };
  const unfold = ({ target }) => target.setAttribute("aria-expanded", target.ariaExpanded !== "true");
  const controls = el("form.filters", { role: "search", input, submit },
    el("input", { ...search, "aria-label": TEXT.search }),
    el("button.fold", { type: "button", "aria-expanded": "false", click: unfold }),
    choice("client_type"), choice("status"), people().length > 1 ? filter("user_id", TEXT.all.user_id, people()) : null,
    select({ name: "sort", "aria-label": label("sort") }, Object.entries(TEXT.sort)),
    el("button.more", { type: "button", "aria-expanded": "false", click: unfold }, TEXT.property),
    el("div.property", PROPERTY.map((name) =>
      el("input", { name, placeholder: label(name), "aria-label": label(name), autocomplete: "off" }))),
    el("input", { type: "hidden", name: "deleted" }), el("button", { hidden: true })); // which Enter presses
  show(TEXT.title, { actions: link(TEXT.create, "#/new", "button main") }, controls, draftNote(...draftLinks()),
    el("div.summary", el("p.total", { role: "status" }), link(TEXT.clear, "#/", "clear"), el("div.handout")),
    el("p.printed"), el("div.results"));
  state.list = null;
  return controls;
}

function openFirst() {
  const { address, clients } = state.place;
  if (address !== state.list || !opensFirst) return;
  opensFirst = false;
  if (clients.length) go(`#/client/${clients[0].id}`);
}

/** Links to the previous and next page, which stay under the pointer. */
function pager({ page, totalPages }, turn) {
  if (totalPages < 2) return "";
  const step = (text, to) =>
    (to >= 1 && to <= totalPages ? link(text, turn(to), "button") : el("button", { disabled: true }, text));
  return el("nav.paging", { "aria-label": TEXT.pages }, step(TEXT.previous, page - 1), step(TEXT.next, page + 1));
}

/** For all clients that the filters match: a file, or a print of all pages. */
function handout({ page: _, ...filters }, signal) {
  const download = async () => {
    const href = URL.createObjectURL(await call("GET", `v1/clients.csv?${apiQuery(filters)}`, { as: "blob", signal }));
    el("a", { href, download: `clients-${new Date().toISOString().slice(0, 10)}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000); // once it is saved
  };
  const print = async () => {
    const rows = [];
    let meta = { hasMore: true };
    for (let page = 1; meta.hasMore && page <= 10; page += 1) { // of 100 clients
      const result = await call("GET", `v1/clients?${apiQuery({ ...filters, page, limit: 100 })}`, { signal });
      rows.push(...result.clients);
      ({ meta } = result);
    }
    const all = TEXT.total(meta.total, showNumber(meta.total));
    find(".total").textContent = meta.hasMore ? TEXT.firstOf(showNumber(rows.length), all) : `${all}.`;
    find(".results").replaceChildren(clientTable(rows, filters));
    addEventListener("afterprint", () => drawList(filters, signal), { once: true }); // shows the page again
    window.print();
  };
  return [[TEXT.download, download], [TEXT.print, print]].map(([text, work]) =>
    button(text, () => work().catch((error) => signal.aborted || say(explain(error))), "quiet"));
}

/** Links for a search without results. */
const nothing = ({ q, deleted }) => (q && !deleted ? el("div.empty", el("div.actions",
  link(TEXT.createTyped(isolate(q)), `#/new?${writeQuery({ q })}`, "button"),
  link(TEXT.searchDeleted, listAddress({ q, deleted: "true" }), "button"))) : "");

/** Draw the last results. */
function drawList(query, signal) {
  const { clients, meta } = state.place;
  const turn = (page) => listAddress({ ...query, page: String(page) });
  const pages = meta.totalPages > 1 ? ` ${TEXT.pageOf(showNumber(meta.page), showNumber(meta.totalPages))}.` : "";
  const total = (PROPERTY.some((name) => query[name]) ? TEXT.suited : TEXT.total)(meta.total, showNumber(meta.total));
  find(".total").textContent = clients.length ? `${total}.${pages}` : find(".clear").hidden ? TEXT.none : TEXT.noMatch;
  find(".handout").replaceChildren(...(query.deleted ? [] : [...(clients.length ? handout(query, signal) : []),
    link(TEXT.deletedClients, listAddress({ q: query.q, deleted: "true" }), "button quiet")]));
  find(".printed").textContent = `${describeFilters(query) || TEXT.allClients} · ${showTime(new Date(), { long: true })}`;
  find(".results").removeAttribute("aria-busy");
  const focused = document.activeElement.closest("tbody tr")?.querySelector(".name a").hash.split("/").at(-1);
  if (focused) state.place.id = focused;
  find(".results").replaceChildren(...(clients.length ? [clientTable(clients, query), pager(meta, turn)] : [nothing(query)]));
  findPlace();
}

/** Focus the row of the client who was opened last, if nothing else has the focus. */
function findPlace() {
  const { place } = state;
  const row = place.id && find(`.clients a[href="#/client/${place.id}"]`);
  if (!document.activeElement.matches("body, h1")) return;
  if (!row) return document.activeElement === document.body && focusHeading(); // the link that had the focus is gone
  place.id = null;
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

export async function listView({ query }, signal) {
  const { place } = state;
  const address = listAddress(query);
  const begin = () => {
    const controls = find("form.filters") ?? listFrame();
    if (state.list !== address) { // else the controls set it, and may have changed again
      state.list = address;
      for (const [name, text] of Object.entries(query)) if (controls[name]) controls[name].value = text;
    }
    const count = FILTERS.filter((name) => query[name]).length;
    find("h1").textContent = query.deleted ? TEXT.deletedClients : TEXT.title;
    find(".clear").hidden = !query.q && !count;
    find(".fold").textContent = TEXT.filters(count);
    controls.sort.disabled = find(".more").disabled = Boolean(query.deleted); // these have an order of their own
    if (PROPERTY.some((name) => query[name])) find(".more").ariaExpanded = "true";
  };
  const load = async () => {
    const [result] = await Promise.all([call("GET", `v1/clients?${apiQuery(query)}`, { signal }), ready(signal)]);
    if (result.meta.total && !result.clients.length) { // the list is shorter than it was
      return go(listAddress({ ...query, page: String(result.meta.totalPages) }), true);
    }
    const clients = result.clients.map((client, at) => ({ ...client, ...result.meta.deleted?.[at] }));
    const isShown = place.address === address && find(".results:not([aria-busy])");
    if (isShown && same([clients, result.meta], [place.clients, place.meta])) return;
    Object.assign(place, { address, clients, meta: result.meta });
    begin();
    drawList(query, signal);
    place.id = null;
    openFirst();
  };
  if (state.me) {
    begin();
    if (place.address === address && place.meta) {
      drawList(query, signal);
      scrollTo(0, place.scroll);
    } else find(".results").setAttribute("aria-busy", "true");
  }
  state.refresh = load;
  await load();
}
