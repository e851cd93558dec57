// The page: a client of the public API. Text of the server is only ever put into the document as text.

import {
  TEXT, changes, combine, fieldsOf, fullName, isolate, label, listAddress, merge, plain, readNumber, readRoute, same,
  showBudget, showNumber, showSeconds, showTime, writeQuery,
} from "./logic.mjs";

const BASE = new URL("..", import.meta.url); // where the app is mounted, under any prefix
const stored = (name) => `acare:${BASE.pathname}:${name}`;
const state = { key: null, me: null, users: new Map(), document: null, fields: [], lastList: "#/" };

// --- the document

const find = (selector) => document.querySelector(selector);

/** An element: ``el("p.hint", { id: "x" }, ...children)``, with or without the attributes. A function is an event
 *  listener, a boolean a bare attribute; attributes and children that are null are left out. */
function el(name, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag);
  const attributes = children[0]?.constructor === Object ? children.shift() : {};
  node.classList.add(...classes);
  for (const [key, given] of Object.entries(attributes)) {
    if (typeof given === "function") node.addEventListener(key, given);
    else if (typeof given === "boolean") node.toggleAttribute(key, given);
    else if (given !== null && given !== undefined) node.setAttribute(key, given);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}
const button = (text, click, look = "") => el("button", { type: "button", class: look, click }, text);
const link = (text, href, look) => el("a", { href, class: look }, text);
const value = (text) => el("bdi", text);
const time = (iso, long) =>
  el("time", { datetime: iso, title: showTime(iso, { long: true }) }, showTime(iso, { long }));
const titled = (title, ...rest) => el("div.heading", el("h1", { tabindex: "-1" }, title), ...rest);

/** Tell the person something that a screen reader reads out too. */
function say(text) {
  find("#said").textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { find("#said").textContent = ""; }, 6000);
}

/** Put a view into the page, with its title; the focus follows, so that a screen reader does. */
function show(title, ...nodes) {
  document.title = title === TEXT.title ? title : `${isolate(title)} · ${TEXT.title}`;
  find("#main").replaceChildren(...nodes);
  find("h1")?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function ask(title, ...nodes) {
  const dialog = find("#dialog");
  dialog.replaceChildren(el("h2", { id: "dialog-title" }, title), ...nodes);
  dialog.showModal();
  return dialog;
}

async function copy(text) {
  if (navigator.clipboard) await navigator.clipboard.writeText(text);
  else { // not https
    const area = el("textarea", text);
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say(TEXT.copied);
}

// --- requests

class Failure extends Error {
  constructor({ status, content }, uncertain) {
    const error = content?.error ?? {};
    super(error.message ?? `HTTP ${status}`);
    Object.assign(this, { status, uncertain, problems: Array.isArray(error.details) ? error.details : [] });
    this.reference = status === 500 ? `${error.errorId ?? ""} ${content?.correlationId ?? ""}`.trim() : null;
  }
}

/** One request; status 0 if no whole answer came. */
async function send(method, path, { body, headers, signal } = {}) {
  const sent = { Accept: "application/json", ...headers };
  if (state.key) sent["X-API-Key"] = state.key;
  if (method !== "GET") sent["Content-Type"] = "application/json";
  try {
    const options = { method, headers: sent, signal, cache: "no-store", body: body && JSON.stringify(body) };
    const answer = await fetch(new URL(path, BASE), options);
    const content = await answer.json().catch((error) => {
      if (answer.ok) throw error;
      return null; // a proxy's own page
    });
    return { status: answer.status, ok: answer.ok, headers: answer.headers, content };
  } catch (error) {
    if (signal?.aborted) throw error;
    return { status: 0 };
  }
}

const WAITS = { 0: "server", 429: "limit", 502: "server", 503: "busy", 504: "server" };

/** The data of an answer. Waits out limits and restarts, asks for the key if it is not valid; else Failure. */
async function call(method, path, options = {}) {
  for (let attempt = 1, uncertain = false; ; attempt += 1) {
    const answer = await send(method, path, options);
    showRemaining(answer.headers);
    const reason = WAITS[answer.status];
    if (!reason) find("#wait").hidden = true;
    if (answer.ok) return "success" in answer.content ? answer.content.data : answer.content;
    if (answer.status === 401) await signIn();
    else if (!reason) throw new Failure(answer, uncertain);
    else {
      uncertain ||= reason === "server"; // it may have been done, and only its answer lost
      await pause(Number(answer.headers?.get("Retry-After")) || Math.min(attempt, 5), reason, options.signal);
    }
  }
}

/** Wait with a countdown; the person can stop it, which is an AbortError. */
function pause(seconds, reason, signal) {
  const [box, until, clock] = [find("#wait"), performance.now() + seconds * 1000, el("span", { "aria-hidden": "true" })];
  return new Promise((resolve, reject) => {
    const settled = new AbortController();
    const goOn = () => { settled.abort(); resolve(); };
    const stop = () => { settled.abort(); box.hidden = true; reject(new DOMException(TEXT.stopped, "AbortError")); };
    const tick = () => {
      const left = Math.ceil((until - performance.now()) / 1000);
      clock.textContent = TEXT.retrying(showSeconds(Math.max(left, 0)));
      if (left <= 0) goOn();
    };
    const timer = setInterval(tick, 200);
    settled.signal.addEventListener("abort", () => clearInterval(timer));
    signal?.addEventListener("abort", stop, { signal: settled.signal });
    const now = reason === "limit" ? null : button(TEXT.tryNow, goOn);
    box.replaceChildren(el("p", TEXT.waits[reason], " ", clock), now ?? "", button(TEXT.stop, stop));
    box.hidden = false;
    tick();
  });
}

function showRemaining(headers) {
  const [limit, left, reset] = ["Limit", "Remaining", "Reset"].map((name) => headers?.get(`RateLimit-${name}`));
  if (!limit) return;
  find("#low").textContent = Number(left) <= Math.max(5, limit / 10) ? TEXT.remaining(left, showSeconds(Number(reset))) : "";
}

// --- who is signed in

let signingIn = null;
const signIn = () => (signingIn ??= askForKey().finally(() => { signingIn = null; }));

function askForKey() {
  const [before, hadKey] = [state.me, state.key];
  const key = el("input", { id: "key", type: "password", autocomplete: "off", required: true, "aria-describedby": "key-hint" });
  const remember = el("input", { type: "checkbox", id: "remember" });
  const problem = el("p.problem", { role: "alert" }, hadKey || before ? TEXT.expired : "");
  return new Promise((resolve, reject) => {
    const tryKey = async (event) => {
      event?.preventDefault();
      state.key = key.value.trim() || null;
      const answer = await send("GET", "v1/users/me");
      if (!answer.ok) {
        const wait = TEXT.waits[WAITS[answer.status]];
        problem.textContent = answer.status === 401 ? TEXT.wrongKey : wait ?? answer.content?.error?.message;
        return;
      }
      removeKey();
      if (state.key) (remember.checked ? localStorage : sessionStorage).setItem(stored("key"), state.key);
      dialog.close();
      if (!before || before.id === answer.content.data.id) return resolve();
      reject(new DOMException("", "AbortError")); // another person, who is not to see what the first one did
      start();
    };
    const again = before && !hadKey ? button(TEXT.tryAgain, tryKey) : null; // the host names the caller
    const dialog = ask(
      TEXT.signIn, problem,
      el("form", { submit: tryKey }, el("label", { for: "key" }, TEXT.key), key, el("p.hint", { id: "key-hint" }, TEXT.signInHint),
        el("label.check", remember, TEXT.remember),
        el("div.actions", el("button.main", TEXT.signIn), again)),
    );
    dialog.oncancel = (event) => event.preventDefault();
  });
}

const removeKey = () => [localStorage, sessionStorage].forEach((storage) => storage.removeItem(stored("key")));

function signOut() {
  removeKey();
  dropDrafts();
  location.hash = "#/";
  location.reload();
}

/** A key in the address, as ``acare demo`` prints it, moves to the storage of this tab. */
function takeKeyFromAddress() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key === null) return;
  history.replaceState(null, "", `${location.pathname}#/`);
  sessionStorage.setItem(stored("key"), key);
}

function showTop() {
  const { email, role } = state.me;
  const skip = el("a.skip", { href: "#main", click: (event) => { event.preventDefault(); find("h1")?.focus(); } }, TEXT.skip);
  find("#top nav").replaceChildren(skip, link(TEXT.title, "#/"), link(TEXT.api, "#/api"));
  find("#top nav").setAttribute("aria-label", TEXT.menu);
  find("#who").replaceChildren(value(email), badge(role), state.key ? button(TEXT.signOut, signOut, "quiet") : "");
}

// --- what is typed and not saved yet: kept in this tab, also when the page is loaded again

const draftName = (id) => stored(`draft:${state.me.id}:${id ?? "new"}`);
const readDraft = (id) => JSON.parse(sessionStorage.getItem(draftName(id)));
const writeDraft = (draft) => sessionStorage.setItem(draftName(draft.id), JSON.stringify(draft));
const dropDraft = (id) => sessionStorage.removeItem(draftName(id));
const dropDrafts = () =>
  Object.keys(sessionStorage).filter((name) => name.startsWith(stored("draft:"))).forEach((name) => sessionStorage.removeItem(name));
const randomKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

// --- the list

const badge = (name) => el("span", { class: `badge ${name}` }, label(name));
const owner = (id) => state.users.get(id)?.email ?? id.slice(0, 8);
const mail = (text) => text && el("a", { href: `mailto:${encodeURIComponent(text).replace("%40", "@")}` }, value(text));
const phone = (text) => text && (/\d/.test(text) ? el("a", { href: `tel:${text.replace(/[^\d+*#]/g, "")}` }, value(text)) : value(text));

const COLUMNS = [
  ["name", TEXT.name, (client) => link(value(fullName(client)), `#/client/${client.id}`)],
  ["type", TEXT.type, (client) => badge(client.client_type)],
  ["status", TEXT.status, (client) => badge(client.status)],
  ["email", label("email"), (client) => mail(client.email)],
  ["phone", label("phone"), (client) => phone(client.phone)],
  ["budget", TEXT.budget, (client) => showBudget(client)],
  ["owner", TEXT.owner, (client) => value(owner(client.user_id))],
  ["changed", TEXT.updated_at, (client) => time(client.updated_at)],
];

// The roles are what the elements have by themselves; as cards on a narrow screen they would lose them.
const row = (cells, tag = "td", role = "cell") =>
  el("tr", { role: "row" }, cells.map(([name, content, title]) =>
    el(tag, { role, class: name, "data-title": title, scope: tag === "th" ? "col" : null }, content ?? "")));
const rows = (clients) => clients.map((client) => row(COLUMNS.map(([name, , cell]) => [name, cell(client)])));
const skeleton = (n) => Array.from({ length: n }, () => row(COLUMNS.map(([name]) => [name, el("span.bone", "\u00a0")])));

function select(name, text, options, unset = TEXT.all) {
  const given = [...(unset ? [["", unset]] : []), ...options];
  return el("label", text, el("select", { name }, given.map(([id, shown]) => el("option", { value: id }, shown))));
}

function listFrame() {
  const options = (name) => state.fields.find((field) => field.name === name).options.map((word) => [word, label(word)]);
  const owners = [...state.users.values()].map(({ id, email }) => [id, email]);
  const controls = el("form.filters", { role: "search", submit: (event) => event.preventDefault() },
    el("label.wide", TEXT.search,
      el("input", { type: "search", name: "q", maxlength: "200", placeholder: TEXT.searchHint, autocomplete: "off" })),
    select("client_type", TEXT.type, options("client_type")), select("status", TEXT.status, options("status")),
    owners.length > 1 ? select("user_id", TEXT.owner, owners) : null,
    select("limit", TEXT.perPage, [25, 50, 100].map((n) => [n, n]), null),
    link(TEXT.clear, "#/", "clear"),
  );
  let typing = 0;
  const apply = (replace) => go(listAddress(Object.fromEntries(new FormData(controls))), replace);
  controls.addEventListener("change", (event) => { if (event.target.name !== "q") apply(); });
  controls.addEventListener("input", (event) => {
    clearTimeout(typing);
    if (event.target.name === "q") typing = setTimeout(() => controls.isConnected && apply(true), 200);
  });
  show(TEXT.title, titled(TEXT.title, link(TEXT.create, "#/new", "button main")), controls,
    el("p.total", { role: "status" }),
    el("table", { role: "table", class: "clients", "aria-label": TEXT.title },
      el("thead", { role: "rowgroup" }, row(COLUMNS.map(([name, text]) => [name, text]), "th", "columnheader")),
      el("tbody", { role: "rowgroup" }, skeleton(10))),
    el("div.empty"), el("nav.paging", { "aria-label": TEXT.pages }));
  return controls;
}

async function listView({ query }, signal) {
  state.lastList = listAddress(query);
  const controls = find("form.filters") ?? listFrame();
  for (const control of controls.elements) {
    if (control.name && control !== document.activeElement) control.value = query[control.name];
  }
  const filtered = query.q || query.client_type || query.status || query.user_id;
  find(".clear").hidden = !filtered;
  const [table, body] = [find("table.clients"), find("tbody")];
  table.setAttribute("aria-busy", "true");
  const { clients, meta } = await call("GET", `v1/clients?${writeQuery(query)}`, { signal });
  table.removeAttribute("aria-busy");
  table.hidden = clients.length === 0;
  body.replaceChildren(...rows(clients));
  find(".total").textContent = clients.length ? `${TEXT.total(meta.total, showNumber)}. ${TEXT.pageOf(meta.page, meta.totalPages)}.` : "";
  find(".empty").replaceChildren(...(clients.length ? [] : empty(meta.total, filtered)));
  const turn = (text, step, there) => (there ? link(text, listAddress({ ...query, page: String(meta.page + step) }), "button") : "");
  find(".paging").replaceChildren(turn(TEXT.previous, -1, meta.page > 1), turn(TEXT.next, 1, meta.hasMore));
  if (document.activeElement !== document.body) return;
  find("h1").focus(); // the link that had the focus is gone
  scrollTo(0, 0);
}

function empty(total, filtered) {
  const first = listAddress({ ...readRoute(location.hash).query, page: "1" });
  const [title, hint, action] = total ? [TEXT.pastEnd, "", link(TEXT.firstPage, first, "button")]
    : filtered ? [TEXT.noMatch, TEXT.noMatchHint, link(TEXT.clear, "#/", "button")]
      : [TEXT.none, TEXT.noneHint, link(TEXT.create, "#/new", "button main")];
  return [el("h2", title), el("p", hint), action];
}

// --- a client

const tags = (items) => el("ul.tags", items.map((item) => el("li", value(item))));
const pairs = (list) => el("dl", list.map(([term, content]) => el("div", el("dt", term), el("dd", content))));

const LINKS = { email: mail, phone };

/** A value as a person reads it. */
function shown(field, given, links = true) {
  if (given === null || given === undefined || given === "" || (Array.isArray(given) && !given.length)) return el("span.unset", TEXT.unset);
  if (links && LINKS[field.name]) return LINKS[field.name](given);
  if (field.kind === "choice") return badge(given);
  if (typeof given === "boolean") return given ? TEXT.yes : TEXT.no;
  if (typeof given === "number") return showNumber(given);
  if (field.kind === "list") return tags(given);
  if (field.kind === "group") return shownGroup(field, given);
  return el("bdi", { class: field.kind }, typeof given === "string" ? given : JSON.stringify(given));
}
const shownGroup = (field, given) =>
  pairs([...field.fields.map((part) => [part.label, shown(part, given[part.name])]),
    ...others(field, given).map(([name, other]) => [value(label(name)), shown({ kind: "text" }, other)])]);
const others = (field, given) => Object.entries(given ?? {}).filter(([name]) => !field.fields.some((part) => part.name === name));

const back = () => link(TEXT.back, state.lastList, "back");

async function clientView({ id }, signal) {
  const client = await call("GET", `v1/clients/${id}`, { signal });
  const about = [[TEXT.owner, value(owner(client.user_id))], [TEXT.created_at, time(client.created_at, true)],
    [TEXT.updated_at, time(client.updated_at, true)], [TEXT.version, showNumber(client.version)], [TEXT.id, el("code", client.id)]];
  const wide = new Set(["group", "lines"]);
  const fact = (field) => el("div", { class: wide.has(field.kind) ? "wide" : null },
    el("dt", field.label), el("dd", shown(field, client[field.name])));
  show(fullName(client), back(),
    titled(value(fullName(client)), link(TEXT.edit, `#/client/${id}/edit`, "button main"),
      button(TEXT.remove, () => confirmRemoval(client, signal), "danger")),
    readDraft(id) ? el("p.note", TEXT.draft, " ", link(TEXT.edit, `#/client/${id}/edit`)) : "",
    el("dl.card.facts", state.fields.map(fact)), el("div.about", pairs(about)));
}

function confirmRemoval(client, signal) {
  const dialog = ask(TEXT.removeTitle(isolate(fullName(client))), el("p", TEXT.removeHint), el("div.actions",
    button(TEXT.remove, () => { dialog.close(); remove(client, signal); }, "danger main"), button(TEXT.cancel, () => dialog.close())));
  dialog.oncancel = null;
}

async function remove(client, signal) {
  try {
    await call("DELETE", `v1/clients/${client.id}`, { headers: { "If-Match": `"${client.version}"` }, signal });
  } catch (error) {
    if (error.status === 412) {
      await render();
      return say(TEXT.removeStale);
    }
    if (!(error.status === 404 && error.uncertain)) return showFailure(error); // else the first attempt did it
  }
  dropDraft(client.id);
  say(TEXT.deleted(isolate(fullName(client))));
  if (!signal.aborted) go(state.lastList, true);
}

// --- the form

/** An input with its label, hint and place for a problem. ``read`` gives the value, as JSON. */
function control(field, given, prefix = "") {
  const id = `field-${prefix}${field.name}`;
  const described = { id, "aria-describedby": `${id}-hint ${id}-problem`, dir: "auto", autocomplete: "off",
    "aria-required": field.required ? "true" : null };
  const [input, read] = CONTROLS[field.kind](field, given, described);
  const group = field.kind === "group";
  const text = [field.label, field.required ? el("span.hint", ` (${TEXT.required})`) : null];
  const node = el(group ? "fieldset" : "div", { class: `field ${field.kind}` },
    group ? el("legend", text) : el("label", { for: id }, text),
    input, el("p.problem", { id: `${id}-problem` }), el("p.hint", { id: `${id}-hint` }, field.hint));
  return { field, node, read };
}

const CONTROLS = {
  text: (field, given, attributes) => typed(field, given, el("input", { ...attributes, inputmode: { email: "email", phone: "tel" }[field.name] })),
  lines: (field, given, attributes) => typed(field, given, el("textarea", { ...attributes, rows: "5" })),
  flag(field, given, attributes) {
    const input = el("input", { ...attributes, type: "checkbox", checked: given === true });
    return [input, () => (input.checked ? true : given === true ? false : given)];
  },
  choice(field, given, attributes) {
    const unset = given === null ? [el("option", { value: "" }, TEXT.unset)] : [];
    const input = el("select", attributes, ...unset, field.options.map((word) => el("option", { value: word }, label(word))));
    input.value = given ?? "";
    return [input, () => input.value || null];
  },
  number(field, given, attributes) {
    const input = el("input", { ...attributes, inputmode: "decimal" });
    const initial = input.value = showNumber(given);
    const read = () => (input.value === initial ? given : readNumber(input.value));
    input.addEventListener("change", () => { input.value = showNumber(read()); });
    return [input, read];
  },
  list(field, given, attributes) {
    const items = [...(given ?? [])];
    const input = el("input", { ...attributes, placeholder: TEXT.addItem });
    const box = el("div.items");
    const pending = () => (input.value.trim() ? [input.value.trim()] : []);
    const draw = () => box.replaceChildren(el("ul.tags", items.map((item, at) => el("li", value(item),
      el("button", { type: "button", "aria-label": TEXT.removeItem(item), click: () => drop(at) }, "×")))));
    const drop = (at) => { items.splice(at, 1); update(); input.focus(); };
    const update = () => { draw(); input.dispatchEvent(new Event("input", { bubbles: true })); };
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || !pending().length) return;
      event.preventDefault();
      items.push(...pending());
      input.value = "";
      update();
    });
    draw();
    return [el("div", box, input), () => (given === null && !items.length && !pending().length ? null : [...items, ...pending()])];
  },
  group(field, given) {
    const parts = field.fields.map((part) => control(part, given?.[part.name] ?? null, `${field.name}-`));
    const kept = others(field, given);
    const read = () => {
      const members = parts.map((part) => [part.field.name, part.read()])
        .filter(([name, member]) => member !== null && !(same(member, []) && !given?.[name]));
      return given === null && !members.length ? null : { ...Object.fromEntries(kept), ...Object.fromEntries(members) };
    };
    const texts = kept.map(([name, other]) => [value(label(name)), shown({ kind: "text" }, other)]);
    const rest = kept.length ? el("div.others", el("p.hint", TEXT.others), pairs(texts)) : null;
    return [el("div.fields", parts.map(({ node }) => node), rest), read];
  },
};

function typed(field, given, input) {
  input.value = given ?? "";
  const initial = input.value; // without carriage returns
  return [input, () => (input.value === initial ? given : input.value.trim() || (field.required && given !== null ? "" : null))];
}

const blank = () => Object.fromEntries(state.fields.map(({ name }) => [name, null]));

async function formView({ id }, signal) {
  const draft = readDraft(id);
  if (draft !== null) return drawForm(draft, signal).querySelector(".note").append(TEXT.draft);
  const base = id === null ? blank() : await call("GET", `v1/clients/${id}`, { signal });
  return drawForm({ id, base, values: base, key: randomKey() }, signal);
}

function drawForm(draft, signal) {
  const controls = state.fields.map((field) => control(field, draft.values[field.name] ?? null));
  const title = draft.id === null ? TEXT.create : TEXT.editing(isolate(fullName(draft.base)));
  const there = draft.id === null ? state.lastList : `#/client/${draft.id}`;
  const submit = el("button.main", TEXT.save);
  const keep = () => {
    draft.values = { ...draft.values, ...Object.fromEntries(controls.map(({ field, read }) => [field.name, read()])) };
    if (same(draft.values, draft.base)) dropDraft(draft.id);
    else writeDraft(draft);
  };
  const form = el("form.client", { novalidate: true, input: keep, change: keep },
    el("p.note"), el("p.problem.summary", { role: "alert" }),
    el("div.card.fields", controls.map(({ node }) => node)),
    el("div.actions", submit, button(TEXT.discard, () => { dropDraft(draft.id); go(there, true); })),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    keep();
    submit.disabled = true;
    submit.textContent = TEXT.saving;
    try {
      await save(draft, signal);
    } catch (error) {
      showProblems(form, error);
    } finally {
      submit.disabled = false;
      submit.textContent = TEXT.save;
    }
  });
  show(title, back(), titled(title), form);
  return form;
}

/** Put the problems of an answer at their fields. */
function showProblems(form, { name, problems = [], message, reference }) {
  const summary = form.querySelector(".summary");
  for (const place of form.querySelectorAll(".problem")) place.textContent = "";
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  const elsewhere = problems.filter((problem) => {
    const place = form.querySelector(`#field-${CSS.escape(problem.field)}-problem`);
    if (place === null) return true;
    place.textContent = `${label(problem.field)} ${plain(problem.message)}.`;
    place.parentNode.querySelector("input, select, textarea").setAttribute("aria-invalid", "true");
    return false;
  });
  const rest = elsewhere.map((problem) => `${problem.field} ${problem.message}`);
  summary.textContent = name === "AbortError" ? TEXT.stopped : problems.length ? [TEXT.problems, ...rest].join(" ")
    : [message, reference && TEXT.reference(reference)].filter(Boolean).join(" ");
  (form.querySelector("[aria-invalid]") ?? summary).focus();
}

function saved(client, text, signal) {
  say(text);
  if (!signal.aborted) go(`#/client/${client.id}`, true);
}

async function save(draft, signal) {
  if (draft.id === null) return create(draft, signal);
  const body = changes(state.fields, draft.base, draft.values);
  if (!Object.keys(body).length) return saved(draft.base, TEXT.unchanged, signal);
  const path = `v1/clients/${draft.id}`;
  try {
    const client = await call("PUT", path, { body, headers: { "If-Match": `"${draft.base.version}"` }, signal });
    dropDraft(draft.id);
    return saved(client, TEXT.saved, signal);
  } catch (error) {
    if (error.status === 404) return showGone(draft);
    if (error.status !== 409 && error.status !== 412) throw error;
    return showConflict(draft, await call("GET", path, { signal }), signal);
  }
}

async function create(draft, signal) {
  const body = Object.fromEntries(Object.entries(draft.values).filter(([, given]) => given !== null));
  try {
    const client = await call("POST", "v1/clients", { body, headers: { "Idempotency-Key": draft.key }, signal });
    dropDraft(null);
    saved(client, TEXT.created, signal);
  } catch (error) {
    if (error.status !== 422) throw error;
    draft.key = randomKey(); // saving once more is a decision now
    writeDraft(draft);
    throw new Error(TEXT.reused);
  }
}

function showGone(draft) {
  const again = () => {
    dropDraft(draft.id);
    writeDraft({ id: null, base: blank(), values: { ...blank(), ...changes(state.fields, blank(), draft.values) }, key: randomKey() });
    go("#/new", true);
  };
  show(TEXT.notFound, back(), titled(TEXT.notFound), el("p", TEXT.gone), el("div.actions", button(TEXT.recreate, again, "main")));
}

// --- a conflict

function showConflict(draft, theirs, signal) {
  const differences = merge(state.fields, draft.base, draft.values, theirs);
  if (!differences.some(({ kind }) => kind === "mine" || kind === "conflict")) { // it is all there already
    dropDraft(draft.id);
    return saved(theirs, TEXT.saved, signal);
  }
  const torn = differences.some(({ kind }) => kind === "conflict");
  const finish = async (event) => {
    event.preventDefault();
    const next = { ...draft, base: theirs, values: combine(theirs, differences, Object.fromEntries(new FormData(event.target))) };
    writeDraft(next);
    try {
      await save(next, signal);
    } catch (error) {
      showProblems(drawForm(next, signal), error);
    }
  };
  const name = isolate(fullName(theirs));
  const titles = [TEXT.field, TEXT.before, TEXT.mine, TEXT.theirs];
  const cells = (texts, tag, role) => row(texts.map((text, at) => [at ? null : "path", text, at ? titles[at] : null]), tag, role);
  const when = showTime(theirs.updated_at, { long: true });
  show(name, back(), titled(TEXT.conflict),
    el("p.lead", el("strong", name), ". ", TEXT.conflictHint(when), " ", torn ? TEXT.chooseHint : TEXT.mergeHint),
    el("form.conflict", { submit: finish },
      el("table", { role: "table", class: "card", "aria-label": TEXT.conflict },
        el("thead", { role: "rowgroup" }, cells(titles, "th", "columnheader")),
        el("tbody", { role: "rowgroup" }, differences.map((difference) => cells(conflictCells(difference))))),
      el("div.actions", el("button.main", torn ? TEXT.saveChoice : TEXT.saveBoth),
        button(TEXT.backToForm, () => drawForm(draft, signal)),
        button(TEXT.discard, () => { dropDraft(draft.id); go(`#/client/${draft.id}`, true); }))));
  return undefined;
}

function conflictCells({ path, base, mine, theirs, kind }) {
  const inside = (fields, [name, ...rest]) => {
    const field = fields.find((other) => other.name === name) ?? { kind: "text", label: label(name), fields: [] };
    return rest.length ? inside(field.fields, rest) : field;
  };
  const field = inside(state.fields, path);
  const side = (given, who, says) => {
    if (kind === "conflict") {
      return el("label.choice", el("input", { type: "radio", name: path.join("."), value: who, required: true }),
        el("span", shown(field, given, false)), el("span.unseen", ` (${says})`));
    }
    const changed = kind === who || kind === "same";
    return el("span", { class: changed ? "kept" : "unset" }, changed ? shown(field, given, false) : TEXT.kept);
  };
  return [field.label, shown(field, base, false), side(mine, "mine", TEXT.keepMine), side(theirs, "theirs", TEXT.keepTheirs)];
}

// --- for programmers

async function apiView(_, signal) {
  const about = await call("GET", "", { signal });
  const here = BASE.href.replace(/\/$/, ""); // the address that this browser uses, whatever stands in between
  const calls = Object.entries(about.calls).map(([name, line]) => {
    const text = line.replace(/https?:\/\/[^\s'"]*?(?=\/v1\/)/, here);
    return el("div.call", el("h3", name), el("pre", text),
      el("button", { type: "button", "aria-label": `${TEXT.copy}: ${name}`, click: () => copy(text) }, TEXT.copy));
  });
  const operations = Object.entries(state.document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => describe(method, path, operation)));
  const fields = state.fields.flatMap((field) => [field, ...field.fields]).map(({ name, description, required }) =>
    [el("code", name), `${code(description)}${required ? ` (${TEXT.required})` : ""}`]);
  show(TEXT.api, titled(TEXT.api), el("p.lead", TEXT.apiHint, " ", link(TEXT.document, new URL("openapi.json", BASE).href)),
    el("h2", TEXT.calls), ...calls, el("h2", TEXT.operations), ...operations, el("h2", TEXT.fields), el("div.card", pairs(fields)));
}

const target = ({ $ref, ...given }) => ($ref ? $ref.slice(2).split("/").reduce((node, part) => node[part], state.document) : given);
const code = (text) => text.replaceAll("`", "");

function describe(method, path, operation) {
  const parameters = (operation.parameters ?? []).map(target).map(({ name, description }) => [el("code", name), code(description)]);
  const answers = Object.entries(operation.responses).map(([status, answer]) => [el("code", status), code(target(answer).description)]);
  return el("details.card",
    el("summary", el("code", `${method.toUpperCase()} ${path}`), " ", el("span.hint", operation.summary)),
    el("p", code(operation.description)),
    parameters.length ? el("h3", TEXT.parameters) : "", parameters.length ? pairs(parameters) : "", el("h3", TEXT.answers), pairs(answers));
}

// --- which view

const VIEWS = { list: listView, client: clientView, edit: formView, new: formView, api: apiView };
let current = null;

function go(address, replace = false) {
  if (address !== location.hash) history[replace === true ? "replaceState" : "pushState"](null, "", address);
  render();
}

async function render() {
  current?.abort();
  const controller = current = new AbortController();
  const route = readRoute(location.hash);
  for (const page of document.querySelectorAll("#top nav a:not(.skip)")) {
    if ((page.hash === "#/api") === (route.view === "api")) page.setAttribute("aria-current", "page");
    else page.removeAttribute("aria-current");
  }
  try {
    await VIEWS[route.view](route, controller.signal);
  } catch (error) {
    if (!controller.signal.aborted) showFailure(error);
  }
}

function showFailure(error) {
  if (error.status === 404) return show(TEXT.notFound, back(), titled(TEXT.notFound), el("p", TEXT.gone));
  return show(TEXT.failed, back(), titled(TEXT.failed), el("p", { role: "alert" }, error.name === "AbortError" ? TEXT.stopped : error.message),
    error.reference ? el("p.hint", TEXT.reference(error.reference)) : "", el("div.actions", button(TEXT.reload, render, "main")));
}

async function start() {
  state.key = sessionStorage.getItem(stored("key")) ?? localStorage.getItem(stored("key"));
  const [me, openapi] = await Promise.all([call("GET", "v1/users/me"), call("GET", "openapi.json")]);
  Object.assign(state, { me, document: openapi, fields: fieldsOf(openapi) });
  const { users } = await call("GET", "v1/users");
  state.users = new Map(users.map((user) => [user.id, user]));
  find("#main").replaceChildren();
  showTop();
  await render();
}

takeKeyFromAddress();
addEventListener("hashchange", () => { if (readRoute(location.hash) && state.me) render(); });
start();
