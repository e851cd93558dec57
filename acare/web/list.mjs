// The list of clients: search, filters, pages.

import { FIELDS, hiddenMatch, same } from "./record.mjs";
import {
  PROPERTY, apiQuery, counted, explain, fullName, isolate, label, listAddress, showBudget, showNumber, showTime,
  writeQuery,
} from "./values.mjs";
import {
  badge, button, currency, day, el, find, link, mail, phone, redraw, select, show, value, words,
} from "./dom.mjs";
import { call, draftNote, owner, people, person, ready, state } from "./requests.mjs";
import { restore, signature } from "./client.mjs";

/** The class of each column, its title and what it shows of a client. */
const COLUMNS = [
  ["name", label("name"), (client, query) => {
    const match = query.q && hiddenMatch(client, query.q);
    return [el("a", { id: client.id, href: `#/client/${client.id}` }, value(fullName(client))),
      match && el("small.match", `${label(match.name)}: `, value(match.text))].filter(Boolean);
  }],
  ["status", label("status"), (client) => badge(client.status)],
  ["type", label("client_type"), (client) => label(client.client_type)],
  ["budget", label("budget"), (client) => showBudget(client, currency) || null],
  ["phone", label("phone"), (client) => phone(client.phone)],
  ["email", label("email"), (client) => mail(client.email)],
  ["owner", label("user_id"), ({ user_id: id }) => (state.users.size > 1 ? person(owner(id)) : null)],
  ["changed", label("updated_at"), (client) => day(client.updated_at)],
  ["deleted", "Deleted", (client) => (client.deletedAt ? [value(signature(client.deletedBy, client.deletedAt)), " ",
    button("Restore", () => restore(client.id), "", `Restore: ${isolate(fullName(client))}`)] : null)],
];

/** The table of clients, without the columns that would be empty. It has explicit roles, since its elements lose their
 *  own when a narrow screen shows them as cards. */
function clientTable(clients, query) {
  const cells = clients.map((client) => COLUMNS.map(([, , cell]) => cell(client, query)));
  const row = (tag, role, contents) => el("tr", { role: "row" }, COLUMNS.map(([name], at) =>
    (cells.some((others) => others[at] !== null) ? el(tag, { role, class: name }, contents[at]) : null)));
  return el("div.card", { click: openRow, auxclick: openRow },
    el("table.clients", { role: "table", "aria-label": "Clients" },
      el("thead", { role: "rowgroup" }, row("th", "columnheader", COLUMNS.map(([, title]) => title))),
      el("tbody", { role: "rowgroup" }, cells.map((contents) => row("td", "cell", contents)))));
}

/** A click anywhere in a row is one on its link, except to select text. */
function openRow(event) {
  const row = event.target.closest("tbody tr");
  if (!row || event.target.closest("a, button") || event.button > 1 || !getSelection().isCollapsed) return;
  row.querySelector(".name a").dispatchEvent(new MouseEvent(event.type, event));
}

let opensFirst = false; // Enter was pressed in the search: the first client is opened once it is found

function listFrame() {
  const filter = (name, unset, options) => select({ name, "aria-label": label(name) }, [["", unset], ...options]);
  const choice = (name, unset) => filter(name, unset, words(FIELDS.find((field) => field.name === name)));
  let typing = 0;
  const apply = (isTyped) => {
    clearTimeout(typing);
    if (!controls.isConnected) return;
    state.list = listAddress(Object.fromEntries(new FormData(controls)));
    if (state.list !== (location.hash || "#/")) location[isTyped ? "replace" : "assign"](state.list);
    else if (opensFirst) openFirst();
  };
  const input = ({ target }) => {
    const isTyped = target.matches("input");
    opensFirst = false;
    clearTimeout(typing);
    typing = setTimeout(apply, isTyped ? 150 : 0, isTyped);
  };
  const submit = (event) => {
    event.preventDefault();
    opensFirst = document.activeElement.name === "q";
    apply(true);
  };
  const unfold = ({ target }) => target.setAttribute("aria-expanded", target.ariaExpanded !== "true");
  const controls = el("form.filters", { role: "search", input, submit },
    el("input", { type: "search", name: "q", maxlength: "200", placeholder: "Search name, phone, note…",
      "aria-label": "Search", autocomplete: "off" }),
    el("button.fold", { type: "button", "aria-expanded": "false", click: unfold }),
    choice("client_type", "All types"), choice("status", "All statuses"),
    people().length > 1 ? filter("user_id", "All owners", people()) : null,
    select({ name: "sort", "aria-label": "Sort" },
      [["created_at", "Newest first"], ["updated_at", "Recently changed"], ["name", "By name"]]),
    el("button.more", { type: "button", "aria-expanded": "false", click: unfold }, "For a property"),
    el("div.property", PROPERTY.map((name) =>
      el("input", { name, placeholder: label(name), "aria-label": label(name), autocomplete: "off" }))),
    el("input", { type: "hidden", name: "deleted", "aria-label": "Deleted clients" }),
    el("button", { hidden: true })); // which Enter presses
  show("Clients", { actions: link("New client", "#/new", "button main") }, controls, draftNote(),
    el("div.summary", el("div.total", { role: "status" }), link("Clear filters", "#/", "clear"), el("div.handout")),
    el("p.printed"), el("div.results"));
  state.list = null;
  return controls;
}

function openFirst() {
  const { address, clients } = state.place;
  if (address !== state.list || !opensFirst) return;
  opensFirst = false;
  if (clients.length) location.assign(`#/client/${clients[0].id}`);
}

/** Links to the previous and next page, which stay under the pointer. */
function pager({ page, totalPages }, query) {
  if (totalPages < 2) return "";
  const step = (text, to) => (to >= 1 && to <= totalPages
    ? link(text, listAddress({ ...query, page: String(to) }), "button") : el("button", { disabled: true }, text));
  return el("nav.actions", { "aria-label": "Pages" }, step("Previous", page - 1), step("Next", page + 1));
}

/** For all clients that the filters match: a file, or a print of all pages. */
function handout({ page: _, ...filters }, signal) {
  const download = async () => {
    const href = URL.createObjectURL(await call("GET", `v1/clients.csv?${apiQuery(filters)}`, { as: "blob", signal }));
    el("a", { href, download: `clients-${new Date().toISOString().slice(0, 10)}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000); // once it is saved
  };
  const print = async () => {
    let [rows, meta] = [[], { hasMore: true }];
    for (let page = 1; meta.hasMore && page <= 10; page += 1) { // of 100 clients
      const result = await call("GET", `v1/clients?${apiQuery({ ...filters, page, limit: 100 })}`, { signal });
      [rows, meta] = [[...rows, ...result.clients], result.meta];
    }
    const part = meta.hasMore ? `The first ${showNumber(rows.length)} of ` : "";
    find(".total").textContent = `${part}${counted(meta.total, "client")}.`;
    find(".results").replaceChildren(clientTable(rows, filters));
    addEventListener("afterprint", () => drawList(filters, signal), { once: true }); // shows the page again
    window.print();
  };
  return [button("Download CSV", download, "quiet"), button("Print", print, "quiet")];
}

/** In place of the table: the problem with the filters, or links for a search without results. */
const nothing = ({ q, deleted }, problem) => (problem ? el("p.problem", { role: "alert" }, problem)
  : q && !deleted ? el("div.empty.actions",
  link(`New client “${isolate(q)}”`, `#/new?${writeQuery({ q })}`, "button"),
  link("Search deleted clients", listAddress({ q, deleted: "true" }), "button")) : "");

/** Draw the last results. */
function drawList(query, signal) {
  const { clients, meta } = state.place;
  const pages = meta.totalPages > 1 ? ` Page ${showNumber(meta.page)} of ${showNumber(meta.totalPages)}.` : "";
  const total = PROPERTY.some((name) => query[name])
    ? `${counted(meta.total, "buyer")} whom it could suit` : counted(meta.total, "client");
  const none = find(".clear").hidden ? "No clients yet." : "No clients found.";
  find(".total").textContent = clients.length ? `${total}.${pages}` : meta.problem ? "" : none;
  find(".handout").replaceChildren(...(query.deleted ? [] : [...(clients.length ? handout(query, signal) : []),
    link("Deleted clients", listAddress({ q: query.q, deleted: "true" }), "button quiet")]));
  redraw(() => find(".results").replaceChildren(
    ...(clients.length ? [clientTable(clients, query), pager(meta, query)] : [nothing(query, meta.problem)])));
  findPlace();
}

/** Focus the row of the client who was opened last, if nothing else has the focus; without one, the heading. */
function findPlace() {
  const row = document.getElementById(state.place.id);
  if (!document.activeElement.matches("body, h1")) return;
  (row ?? find("h1")).focus({ preventScroll: true });
  row?.scrollIntoView({ block: "nearest" });
  if (row) state.place.id = null;
}

/** Show what a list is limited to in its filters, and around them. */
function drawFrame(query) {
  const address = listAddress(query);
  const controls = find("form.filters") ?? listFrame();
  if (state.list !== address) { // else the controls set it, and may have changed again
    state.list = address;
    for (const [name, text] of Object.entries(query)) if (controls[name]) controls[name].value = text;
  }
  find(".results").ariaBusy = state.place.address !== address; // until they are read
  const limits = [...controls.elements].filter(({ name, value }) => name !== "sort" && value);
  const inWords = ({ ariaLabel, value, selectedOptions }) => `${ariaLabel}: ${selectedOptions?.[0].text ?? value}`;
  const count = limits.filter(({ name }) => name !== "q").length;
  find("h1").textContent = query.deleted ? "Deleted clients" : "Clients";
  find(".printed").textContent = `${limits.map(inWords).join(", ") || "All clients"} · ${showTime(new Date())}`;
  find(".clear").hidden = !limits.length;
  find(".fold").textContent = count ? `Filters (${count})` : "Filters";
  controls.sort.disabled = find(".more").disabled = Boolean(query.deleted); // these have an order of their own
  if (PROPERTY.some((name) => query[name])) find(".more").ariaExpanded = "true";
}

export async function listView({ query }, signal) {
  const { place } = state;
  const address = listAddress(query);
  const isKnown = () => place.address === address;
  const refused = (error) => {
    if (error.status !== 400) throw error;
    return { clients: [], meta: { problem: explain(error) } };
  };
  state.refresh = async () => {
    const reading = call("GET", `v1/clients?${apiQuery(query)}`, { signal }).catch(refused);
    const [{ clients, meta }] = await Promise.all([reading, ready(signal)]);
    if ((state.list ?? address) !== address) return; // the filters have changed meanwhile, the view not yet
    if (meta.total && !clients.length) { // the list is shorter than it was
      return location.replace(listAddress({ ...query, page: String(meta.totalPages) }));
    }
    const rows = clients.map((client, at) => ({ ...client, ...meta.deleted?.[at] }));
    if (isKnown() && same([rows, meta], [place.clients, place.meta])) return openFirst();
    if (!isKnown()) scrollTo(0, 0); // it is another list, or another page
    Object.assign(place, { address, clients: rows, meta });
    drawFrame(query);
    drawList(query, signal);
    place.id = null;
    openFirst();
  };
  if (state.me) drawFrame(query);
  if (isKnown()) {
    drawList(query, signal);
    scrollTo(0, place.scroll);
  }
  await state.refresh();
}
