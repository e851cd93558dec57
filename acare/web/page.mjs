// The page: a client of the public API. Text of the server is only ever put into the document as text.

import {
  CALLS, TEXT, changes, combine, fieldsOf, fullName, isolate, label, listAddress, merge, plain, readFields, readRoute,
  resolve, same, showBudget, showNumber, showSeconds, showTime, unknownFields, valueOf, writeQuery,
} from "./logic.mjs";

const BASE = new URL("..", import.meta.url); // where the app is mounted, under any prefix
const stored = (name) => `acare:${BASE.pathname}:${name}`;
const state = { key: null, me: null, users: new Map(), document: null, fields: [], list: "#/" };

// --- the document
const find = (selector) => document.querySelector(selector);
const focusHeading = () => { find("h1").focus({ preventScroll: true }); scrollTo(0, 0); };

/** An element: ``el("p.hint", { id: "x" }, ...children)``, with or without the attributes. A function is an event
 *  listener, true an attribute without a value; what is null, undefined or (an attribute) false is left out. */
function el(name, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = Object.assign(document.createElement(tag), { className: classes.join(" ") });
  const attributes = children[0]?.constructor === Object ? children.shift() : {};
  for (const [key, given] of Object.entries(attributes)) {
    if (typeof given === "function") node.addEventListener(key, given);
    else if ((given ?? false) !== false) node.setAttribute(key, given === true ? "" : given);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}
const button = (text, click, look = "", name = null) =>
  el("button", { type: "button", class: look, "aria-label": name, click }, text);
const link = (text, href, look) => el("a", { href, class: look }, text);
const value = (text) => el("bdi", text);
const time = (iso, long) =>
  el("time", { datetime: iso, title: showTime(iso, { long: true }) }, showTime(iso, { long }));
const pairs = (list) => el("dl", list.map(([term, content]) => el("div", el("dt", term), el("dd", content))));
const select = (given, options) => el("select", given, options.map(([id, text]) => el("option", { value: id }, text)));
const words = ({ options }) => options.map((word) => [word, label(word)]);

/** A table. Its roles are written out, since its elements lose their own when a narrow screen shows them as cards. */
function table(look, title, columns, rows) {
  const row = (tag, role, cells) => el("tr", { role: "row" }, cells.map((cell, at) =>
    el(tag, { role, class: columns[at][0], "data-title": columns[at][1] }, cell)));
  return el("div.card", el("table", { role: "table", class: look, "aria-label": title },
    el("thead", { role: "rowgroup" }, row("th", "columnheader", columns.map((column) => column[1]))),
    el("tbody", { role: "rowgroup" }, rows.map((cells) => row("td", "cell", cells)))));
}

/** Show a message that screen readers announce too. */
function say(text) {
  find("#said").textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { find("#said").textContent = ""; }, 6000);
}

/** Put a view into the page, with its title; the focus follows, so that a screen reader does. */
function show(title, actions, ...nodes) {
  const isTop = ["list", "api"].includes(readRoute(location.hash).view);
  document.title = title === TEXT.title ? title : `${isolate(title)} · ${TEXT.title}`;
  const heading = el("div.heading", el("h1", { tabindex: "-1" }, value(title)), actions);
  find("#main").replaceChildren(isTop ? "" : link(TEXT.back, state.list, "back"), heading, ...nodes.flat());
  focusHeading();
}

const dialog = find("#dialog");
function ask(title, ...nodes) {
  dialog.replaceChildren(el("h2", { id: "dialog-title" }, title), ...nodes);
  if (!dialog.open) dialog.showModal();
}

// --- requests
const WAITS = { 0: "server", 429: "limit", 502: "server", 503: "busy", 504: "server" };
/** The error for a response; ``uncertain`` if an earlier attempt may have been carried out. */
function failure({ status, content }, uncertain = false) {
  const { message = TEXT.waits[WAITS[status]] ?? `HTTP ${status}`, errorId, details } = content?.error ?? {};
  const error = new Error(errorId ? `${message} ${TEXT.reference(errorId)}` : message);
  return Object.assign(error, { status, uncertain, problems: status === 400 ? details : [] });
}
const sentence = ({ field, message }) => `${label(field)} ${plain(message)}.`; // a problem with a field

/** One request; status 0 if no complete response arrived. */
async function send(method, path, { body, headers, signal } = {}) {
  const sent = { Accept: "application/json", "Content-Type": "application/json", ...headers };
  if (state.key) sent["X-API-Key"] = state.key;
  const options = { method, headers: sent, signal, cache: "no-store", body: body && JSON.stringify(body) };
  try {
    const answer = await fetch(new URL(path, BASE), options);
    const content = await answer.json().catch(() => null); // a page of a proxy, or a partial response
    if (content || !answer.ok) return { status: answer.status, ok: answer.ok, headers: answer.headers, content };
  } catch { /* no response */ }
  return { status: 0 };
}

/** The data of a response. Waits during limits and restarts, and asks for a key if the key is not valid. */
async function call(method, path, options) {
  for (let attempt = 1, uncertain = false; ; attempt += 1) {
    const answer = await send(method, path, options);
    options.signal.throwIfAborted();
    const reason = WAITS[answer.status];
    find("#wait").hidden = !reason;
    const [limit, left, reset] = ["Limit", "Remaining", "Reset"].map((key) => answer.headers?.get(`RateLimit-${key}`));
    const isLow = left <= Math.max(5, limit / 10);
    if (limit) find("#low").textContent = isLow ? TEXT.remaining(left, showSeconds(Number(reset))) : "";
    if (answer.ok) return "success" in answer.content ? answer.content.data : answer.content;
    if (answer.status === 401) await askForKey();
    else if (!reason) throw failure(answer, uncertain);
    else {
      uncertain ||= reason === "server"; // only the response may be lost
      await pause(Number(answer.headers?.get("Retry-After")) || Math.min(attempt, 5), reason, options.signal);
    }
  }
}

/** Wait with a countdown, which the person can stop: then it throws. */
async function pause(seconds, reason, signal) {
  const [wait, clock] = [find("#wait"), el("span", { "aria-hidden": "true" })];
  const until = performance.now() + seconds * 1000;
  wait.replaceChildren(el("p", TEXT.waits[reason], " ", clock), button(TEXT.stop, () => { wait.hidden = true; }));
  for (let left = seconds; left > 0; left = Math.ceil((until - performance.now()) / 1000)) {
    clock.textContent = TEXT.retrying(showSeconds(left));
    await new Promise((resolve) => setTimeout(resolve, 200));
    signal.throwIfAborted();
    if (wait.hidden) throw new Error(TEXT.stopped);
  }
}

// --- who is signed in
const cleanKey = (text) => text.replace(/[^!-~]/g, ""); // without pasted spaces, and what a header cannot have
/** Remove what is stored under names that begin like this, in the tab and in the browser. */
const forget = (start) => [localStorage, sessionStorage].forEach((storage) =>
  Object.keys(storage).filter((name) => name.startsWith(stored(start))).forEach((name) => storage.removeItem(name)));

function askForKey() {
  const { me, key: oldKey } = state;
  const key = el("input", { id: "key", type: "password", required: true, "aria-describedby": "key-hint" });
  const remember = el("input", { type: "checkbox" });
  const problem = el("p.problem", { role: "alert" }, me || oldKey ? TEXT.expired : null);
  return new Promise((resolve) => {
    const tryKey = async (event) => {
      event.preventDefault();
      state.key = cleanKey(key.value);
      const answer = await send("GET", "v1/users/me");
      problem.textContent = answer.ok ? "" : answer.status === 401 ? TEXT.wrongKey : failure(answer).message;
      if (!answer.ok) return;
      forget("key");
      if (state.key) (remember.checked ? localStorage : sessionStorage).setItem(stored("key"), state.key);
      if (me && me.id !== answer.content.data.id) return location.reload(); // another user must not see the entries
      dialog.onclose = null;
      dialog.close();
      resolve();
    };
    ask(TEXT.signIn, problem, el("form", { submit: tryKey },
      el("label", { for: "key" }, TEXT.key), key, el("p.hint", { id: "key-hint" }, TEXT.signInHint),
      el("label.check", remember, TEXT.remember), el("div.actions", el("button.main", TEXT.signIn),
        me && !oldKey ? button(TEXT.tryAgain, tryKey) : null))); // the embedding app names the user
    dialog.onclose = () => dialog.showModal(); // by Escape
  });
}

/** Move a key from the address, as ``acare demo`` prints it, to the storage of this tab. Returns whether it did. */
function takeKeyFromAddress() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key === null) return false;
  history.replaceState(null, "", `${location.pathname}#/`);
  sessionStorage.setItem(stored("key"), cleanKey(key));
  return true;
}

// --- the list
const badge = (name) => el("span", { class: `badge ${name}` }, label(name));
const mail = (text) =>
  text && el("a", { href: `mailto:${encodeURIComponent(text).replace("%40", "@")}`, title: text }, value(text));
const phone = (text) =>
  text && (/\d/.test(text) ? el("a", { href: `tel:${text.replace(/[^\d+*#]/g, "")}` }, value(text)) : value(text));
const owner = (id) => state.users.get(id)?.email ?? id.slice(0, 8);
const withoutDomain = (email) => email.replace(state.me.email.replace(/^.*(?=@)/, ""), ""); // of one's own agency

const COLUMNS = [
  ["name", label("name"), (client) => link(value(fullName(client)), `#/client/${client.id}`)],
  ["type", label("client_type"), (client) => badge(client.client_type)],
  ["status", label("status"), (client) => badge(client.status)],
  ["email", label("email"), (client) => mail(client.email)],
  ["phone", label("phone"), (client) => phone(client.phone)],
  ["budget", label("budget"), (client) => showBudget(client)],
  ["owner", label("user_id"), ({ user_id: id }) => el("bdi", { title: owner(id) }, withoutDomain(owner(id)))],
  ["changed", label("updated_at"), (client) => time(client.updated_at)],
];
const clientTable = (rows) => table("clients", TEXT.title, COLUMNS, rows);
const empty = (title, hint, action) => el("div.empty", el("h2", title), el("p", hint), action);

function listFrame() {
  const filter = (name, options, title = label(name)) => el("label", title, select({ name }, options));
  const choice = (name) => filter(name, [["", TEXT.all], ...words(state.fields.find((field) => field.name === name))]);
  const owners = [["", TEXT.all], ...[...state.users.values()].map(({ id, email }) => [id, email])];
  const search = { type: "search", name: "q", maxlength: "200", placeholder: TEXT.searchHint, autocomplete: "off" };
  let typing = 0;
  const input = ({ target: { name } }) => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      if (!controls.isConnected) return;
      state.list = listAddress(Object.fromEntries(new FormData(controls)));
      go(state.list, name === "q");
    }, name === "q" ? 200 : 0);
  };
  const controls = el("form.filters", { role: "search", input, submit: (event) => event.preventDefault() },
    el("label", TEXT.search, el("input", search)), choice("client_type"), choice("status"),
    owners.length > 2 ? filter("user_id", owners) : null,
    filter("limit", [25, 50, 100].map((n) => [n, n]), TEXT.perPage));
  const loading = Array.from({ length: 10 }, () => COLUMNS.map(() => el("span.bone")));
  show(TEXT.title, link(TEXT.create, "#/new", "button main"), controls,
    el("div.tally", el("p.total", { role: "status" }), link(TEXT.clear, "#/", "clear")),
    el("div.results", clientTable(loading)));
  state.list = null;
  return controls;
}

async function listView({ query }, signal) {
  const controls = find("form.filters") ?? listFrame();
  if (state.list !== listAddress(query)) { // else it comes from the controls, which may be ahead of the address
    state.list = listAddress(query);
    for (const [name, text] of Object.entries(query)) if (controls[name]) controls[name].value = text;
  }
  const isFiltered = Boolean(query.q || query.client_type || query.status || query.user_id);
  const [results, turn] = [find(".results"), (page) => listAddress({ ...query, page: String(page) })];
  find(".clear").hidden = !isFiltered;
  results.setAttribute("aria-busy", "true");
  const { clients, meta } = await call("GET", `v1/clients?${writeQuery(query)}`, { signal });
  const total = `${TEXT.total(meta.total, showNumber(meta.total))}. ${TEXT.pageOf(meta.page, meta.totalPages)}.`;
  find(".total").textContent = clients.length ? total : "";
  results.removeAttribute("aria-busy");
  results.replaceChildren(
    clients.length ? clientTable(clients.map((client) => COLUMNS.map(([, , cell]) => cell(client))))
      : meta.total ? empty(TEXT.pastEnd, TEXT.pastEndHint, link(TEXT.firstPage, turn(1), "button"))
        : isFiltered ? empty(TEXT.noMatch, TEXT.noMatchHint, link(TEXT.clear, "#/", "button"))
          : empty(TEXT.none, TEXT.noneHint, link(TEXT.create, "#/new", "button main")),
    el("nav.paging", { "aria-label": TEXT.pages },
      clients.length && meta.page > 1 ? link(TEXT.previous, turn(meta.page - 1), "button") : null,
      meta.hasMore ? link(TEXT.next, turn(meta.page + 1), "button") : null));
  if (document.activeElement === document.body) focusHeading(); // the link that had the focus is gone
}

// --- a client
const LINKS = { email: mail, phone };
/** A value as a person reads it. */
function shown(field, given, links = true) {
  if (given === null || given === "" || same(given, [])) return el("span.unset", TEXT.unset);
  if (links && Object.hasOwn(LINKS, field.name)) return LINKS[field.name](given);
  if (field.kind === "choice") return badge(given);
  if (typeof given === "boolean") return given ? TEXT.yes : TEXT.no;
  if (typeof given === "number") return showNumber(given);
  if (field.kind === "list") return el("ul.tags", given.map((item) => el("li", value(item))));
  if (field.kind !== "group") return el("bdi", { class: field.kind }, given.trim ? given : JSON.stringify(given));
  return pairs([...field.fields, ...unknownFields(field, given)].map((member) =>
    [value(member.label), shown(member, valueOf(given, member.name))]));
}

async function clientView({ id }, signal) {
  const client = await call("GET", `v1/clients/${id}`, { signal });
  const edit = `#/client/${id}/edit`;
  const facts = state.fields.map((field) =>
    el("div", { class: field.kind }, el("dt", field.label), el("dd", shown(field, client[field.name]))));
  const about = ["user_id", "created_at", "updated_at", "version", "id"].map((name) => [label(name),
    name.endsWith("_at") ? time(client[name], true) : value(name === "user_id" ? owner(client[name]) : client[name])]);
  show(fullName(client),
    [link(TEXT.edit, edit, "button main"), button(TEXT.remove, () => remove(client, signal), "danger")],
    el("p.note", readDraft(id) && [TEXT.draft, " ", link(TEXT.edit, edit)]), el("dl.card.facts", facts),
    el("div.about", pairs(about)));
}

function remove(client, signal) {
  const name = isolate(fullName(client));
  const confirmed = async () => {
    dialog.close();
    try {
      await call("DELETE", `v1/clients/${client.id}`, { headers: { "If-Match": `"${client.version}"` }, signal });
    } catch (error) {
      if (error.status === 412) return render().then(() => say(TEXT.removeStale));
      if (!(error.status === 404 && error.uncertain)) return showFailure(error, signal); // else it is done
    }
    finish(client.id, TEXT.removed(name), state.list);
  };
  ask(TEXT.removeTitle(name), el("p", TEXT.removeHint), el("div.actions",
    button(TEXT.remove, confirmed, "danger main"), button(TEXT.cancel, () => dialog.close())));
}

// --- drafts, which are not saved yet: kept in this tab, even if the page is reloaded
const draftName = (id) => stored(`draft:${state.me.id}:${id ?? "new"}`);
const readDraft = (id) => JSON.parse(sessionStorage.getItem(draftName(id)));
const writeDraft = (draft) => sessionStorage.setItem(draftName(draft.id), JSON.stringify(draft));
const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
const newDraft = (values = {}) => ({ id: null, base: {}, values, key: newKey() });

/** Close a form: drop its draft, show a message, and show another view. */
function finish(id, text, address) {
  sessionStorage.removeItem(draftName(id));
  say(text);
  go(address, true);
}
const discard = ({ id }) => finish(id, "", id ? `#/client/${id}` : state.list);

// --- the form
/** The input for a field, with its label, hint and problem ("" marks it without a text). */
function control(field, given, problem, prefix = "") {
  const name = prefix + field.name;
  const id = `field-${name}`;
  const isGroup = field.kind === "group";
  const input = CONTROLS[field.kind](field, given, {
    id, name, dir: "auto", autocomplete: "off", inputmode: { email: "email", phone: "tel" }[name],
    "aria-describedby": `${id}-problem ${id}-hint`, "aria-required": field.required ? "true" : null,
    "aria-invalid": problem === undefined ? null : "true",
  }, problem);
  if (["string", "number"].includes(typeof given)) input.value = showNumber(given);
  const text = [field.label, field.required ? el("span.hint", ` (${TEXT.required})`) : null];
  return el(isGroup ? "fieldset" : "div", { class: `field ${field.kind}` },
    isGroup ? el("legend", text) : el("label", { for: id }, text), input,
    el("p.problem", { id: `${id}-problem` }, problem && sentence({ field: field.name, message: problem })),
    el("p.hint", { id: `${id}-hint` }, field.hint));
}

const CONTROLS = {
  text: (_, given, attributes) => el("input", attributes),
  number: (_, given, attributes) => el("input", { ...attributes, inputmode: "decimal" }),
  lines: (_, given, attributes) => el("textarea", { ...attributes, rows: "5" }),
  flag: (_, given, attributes) => el("input", { ...attributes, type: "checkbox", checked: given === true }),
  choice: (field, given, attributes) =>
    select(attributes, [...(given === null ? [["", TEXT.unset]] : []), ...words(field)]),
  list(_, given, { name, ...attributes }) {
    const [tags, input] = [el("ul.tags"), el("input", { ...attributes, name: `${name}+`, placeholder: TEXT.addItem })];
    const changed = () => { input.focus(); input.dispatchEvent(new Event("input", { bubbles: true })); };
    const remove = ({ target }) => { target.closest("li").remove(); changed(); };
    const add = (item) => tags.append(el("li", value(item), el("input", { type: "hidden", name, value: item }),
      button("×", remove, "", TEXT.removeItem(item))));
    given?.forEach(add);
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || !input.value.trim()) return;
      event.preventDefault();
      add(input.value.trim());
      input.value = "";
      changed();
    });
    return el("div.items", tags, input);
  },
  group: (field, given, { name }, problem) => el("div.fields", field.fields.map((part) =>
    control(part, valueOf(given, part.name), problem?.endsWith(part.name) ? "" : undefined, `${name}-`))),
};

async function formView({ id }, signal) {
  const draft = readDraft(id);
  if (draft) return drawForm(draft, signal).prepend(el("p.note", TEXT.draft));
  const base = id && await call("GET", `v1/clients/${id}`, { signal });
  return drawForm(base ? { id, base, values: base } : newDraft(), signal);
}

function drawForm(draft, signal, { message, problems = [] } = {}) {
  const initial = draft.values;
  const controls = state.fields.map((field) =>
    control(field, valueOf(initial, field.name), problems.find((one) => one.field === field.name)?.message));
  const keep = () => {
    draft.values = { ...initial, ...readFields(state.fields, new FormData(form), initial) };
    if (same(draft.values, draft.base)) sessionStorage.removeItem(draftName(draft.id));
    else writeDraft(draft);
  };
  const submit = (event) => {
    event.preventDefault();
    keep();
    save(draft, form, signal);
  };
  const summary = el("p.problem", { role: "alert", tabindex: "-1" }, problems.length ? TEXT.problems : message);
  const form = el("form.client", { novalidate: true, input: keep, submit }, summary, el("div.card.fields", controls),
    el("div.actions", el("button.main", TEXT.save), button(TEXT.discard, () => discard(draft))));
  show(draft.id ? TEXT.editing(isolate(fullName(draft.base))) : TEXT.create, "", form);
  if (message) (form.querySelector("[aria-invalid]") ?? summary).focus();
  return form;
}

/** Save a draft. The form is disabled meanwhile, so that nothing is sent twice and no input is lost. */
async function save(draft, form, signal) {
  const isNew = draft.id === null;
  const [method, path, headers] = isNew ? ["POST", "v1/clients", { "Idempotency-Key": draft.key }]
    : ["PUT", `v1/clients/${draft.id}`, { "If-Match": `"${draft.base.version}"` }];
  const body = changes(state.fields, draft.base, draft.values);
  if (!isNew && !Object.keys(body).length) return discard(draft);
  form.inert = true;
  form.querySelector(".main").textContent = TEXT.saving;
  try {
    const { id } = await call(method, path, { body, headers, signal });
    finish(draft.id, isNew ? TEXT.created : TEXT.saved, `#/client/${id}`);
  } catch (error) {
    if (signal.aborted) return;
    if (error.status === 404) return showGone(draft);
    if (error.status === 412) return showConflict(draft, signal).catch((problem) => showFailure(problem, signal));
    if (error.status === 422) writeDraft(Object.assign(draft, { key: newKey() })); // another save is then intentional
    drawForm(draft, signal, error.status === 422 ? new Error(TEXT.reused) : error);
  }
}

function showGone(draft) {
  const again = () => {
    writeDraft(newDraft(changes(state.fields, {}, draft.values)));
    finish(draft.id, "", "#/new");
  };
  show(TEXT.notFound, "", el("p", TEXT.gone), el("div.actions", button(TEXT.recreate, again, "main")));
}

// --- a conflict
async function showConflict(draft, signal) {
  const theirs = await call("GET", `v1/clients/${draft.id}`, { signal });
  const differences = merge(state.fields, draft.base, draft.values, theirs);
  const [isTorn, isMine] = ["conflict", "mine"].map((kind) => differences.some((one) => one.kind === kind));
  if (!isTorn && !isMine) return finish(draft.id, TEXT.saved, `#/client/${draft.id}`); // it is there already
  const submit = (event) => {
    event.preventDefault();
    const choices = Object.fromEntries(new FormData(event.target));
    const merged = { ...draft, base: theirs, values: combine(theirs, differences, choices) };
    writeDraft(merged);
    save(merged, event.target, signal);
  };
  const rows = differences.map((one) =>
    [one.field.label, shown(one.field, one.base, false), side(one, "mine"), side(one, "theirs")]);
  const columns = ["field", "before", "mine", "theirs"].map((name) => [name, TEXT[name]]);
  const when = showTime(theirs.updated_at, { long: true });
  show(TEXT.conflict, "", el("p", el("strong", value(fullName(theirs))), ` ${TEXT.conflictHint(when)} `,
    isTorn ? TEXT.chooseHint : TEXT.mergeHint),
  el("form.conflict", { submit }, table("differences", TEXT.conflict, columns, rows),
    el("div.actions", el("button.main", isTorn ? TEXT.saveChoice : TEXT.saveBoth),
      button(TEXT.backToForm, () => drawForm(draft, signal)), button(TEXT.discard, () => discard(draft)))));
}

/** What one person did to a field: a value to choose, a change that is kept, or nothing. */
function side({ path, field, kind, ...values }, who) {
  const content = shown(field, values[who], false);
  if (kind === who || kind === "same") return el("span.kept", content);
  if (kind !== "conflict") return el("span.unset", TEXT.unchangedBy);
  const radio = el("input", { type: "radio", name: path.join("."), value: who, required: true });
  return el("label.pick", radio, el("span", content), el("span.unseen", ` (${TEXT.keep[who]})`));
}

// --- for programmers
const bare = (text) => text.replaceAll("`", "");
const terms = (list) => pairs(list.map(([term, text]) => [el("code", term), bare(text)]));

async function apiView() {
  const here = BASE.href.replaceAll("'", "%27"); // the address that this browser uses; safe in a shell's quotes
  const examples = Object.entries(CALLS).map(([name, [path, options]]) => {
    const text = el("pre", `curl -s '${here}${path}' ${options}`);
    const copy = () => {
      getSelection().selectAllChildren(text);
      if (document.execCommand("copy")) say(TEXT.copied); // navigator.clipboard is there with https alone
    };
    return el("div.call", el("h3", name), button(TEXT.copy, copy, "", `${TEXT.copy}: ${name}`), text);
  });
  const operations = Object.entries(state.document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => describe(`${method.toUpperCase()} ${path}`, operation)));
  const fields = state.fields.flatMap((field) => [field, ...field.fields])
    .map(({ name, description, required }) => [name, description + (required ? ` (${TEXT.required})` : "")]);
  show(TEXT.api, "", el("p", TEXT.apiHint, " ", link(TEXT.document, new URL("openapi.json", BASE).href)),
    el("h2", TEXT.calls), examples, el("h2", TEXT.operations), operations,
    el("h2", TEXT.fields), el("div.card", terms(fields)));
}

function describe(name, { summary, description, parameters = [], responses }) {
  const resolved = (part) => resolve(state.document, part);
  const sent = parameters.map(resolved).map((part) => [part.name, part.description]);
  const answers = Object.entries(responses).map(([status, part]) => [status, resolved(part).description]);
  return el("details.card", el("summary", el("code", name), " ", el("span.hint", summary)), el("p", bare(description)),
    sent.length ? [el("h3", TEXT.parameters), terms(sent)] : null, el("h3", TEXT.answers), terms(answers));
}

// --- which view
const VIEWS = { list: listView, client: clientView, edit: formView, new: formView, api: apiView };
let current = null;
const go = (address, replace) => (replace ? location.replace(address) : location.assign(address));

async function render() {
  current?.abort();
  find("#wait").hidden = true;
  const { signal } = current = new AbortController();
  const route = readRoute(location.hash);
  try {
    if (!state.me) await start(signal);
    const isApi = route.view === "api";
    for (const tab of document.querySelectorAll("#top nav a")) tab.ariaCurrent = (tab.hash === "#/api") === isApi;
    await VIEWS[route.view](route, signal);
  } catch (error) {
    showFailure(error, signal);
  }
}

function showFailure({ status, message, problems = [] }, signal) {
  if (signal.aborted) return;
  if (status === 404) return show(TEXT.notFound, "", el("p", TEXT.gone));
  show(TEXT.failed, "", el("p", { role: "alert" }, [message, ...problems.map(sentence)].join(" ")),
    el("div.actions", button(TEXT.reload, render, "main")));
}

/** Sign in, load what all views need, and show who is signed in. */
async function start(signal) {
  state.key = sessionStorage.getItem(stored("key")) ?? localStorage.getItem(stored("key"));
  const me = await call("GET", "v1/users/me", { signal });
  const openapi = await call("GET", "openapi.json", { signal });
  const { users } = await call("GET", "v1/users", { signal });
  Object.assign(state, { me, users: new Map(users.map((user) => [user.id, user])), document: openapi });
  state.fields = fieldsOf(openapi);
  const skip = (event) => { event.preventDefault(); focusHeading(); };
  const signOut = () => { forget(""); location.hash = "#/"; location.reload(); };
  find("#top").prepend(el("a.skip", { href: "#main", click: skip }, TEXT.skip));
  find("#top nav").append(link(TEXT.title, "#/"), link(TEXT.api, "#/api"));
  find("#who").append(el("bdi", { title: me.email }, me.email), badge(me.role),
    state.key ? button(TEXT.signOut, signOut, "quiet") : "");
}

takeKeyFromAddress();
addEventListener("hashchange", () => (takeKeyFromAddress() ? location.reload() : render()));
render();
