// The form of a client: its inputs, saving, and a conflict with what another person has saved.

import { TEXT, label } from "./text.mjs";
import {
  FIELDS_BY_GROUP, allProblems, changes, combine, flatten, inputText, merge, readFields, readList, same, typedFields,
} from "./record.mjs";
import { fullName, isolate, sentence, showDay, showNumber } from "./values.mjs";
import { ask, button, currency, el, say, select, show, table, value, words } from "./dom.mjs";
import {
  call, discard, dropDraft, finish, isEditable, newDraft, newKey, owner, people, readDraft, ready, remember, send, shortName, state, writeDraft,
} from "./requests.mjs";
import { isUnset, shown, signature } from "./history.mjs";

/** The input for a field, with its label and problem. */
function control(field, initial, problem) {
  const { name, kind, required } = field;
  const [id, given] = [`field-${name}`, initial[name] ?? null];
  const input = CONTROLS[kind](given, {
    id, name, dir: "auto", autocomplete: "off", placeholder: TEXT.hints[kind], list: kind === "list" ? `${id}-list` : null,
    inputmode: { email: "email", phone: "tel", number: "decimal" }[kind === "text" ? name : kind],
    "aria-describedby": `${id}-problem`,
    "aria-required": required ? "true" : null, "aria-invalid": problem ? "true" : null,
  }, field);
  if (kind !== "flag") input.value = inputText(given, name);
  const note = required ? TEXT.required : kind === "money" ? currency : null;
  return el("div", { class: `field ${kind}` },
    el("label", { for: id }, field.label, note ? el("span.hint", ` (${note})`) : null), input,
    kind === "list" ? suggestions(input, name) : null,
    el("p.problem", { id: `${id}-problem` }, problem && describe(problem, field, input, initial)));
}

/** A problem as a sentence, or a question with a button for each possible answer. */
function describe({ message, choices }, field, input, initial) {
  if (!choices) return sentence({ field: field.name, message });
  const choose = (number) => () => {
    initial[field.name] = number; // so that its text is not a question again
    input.value = showNumber(number);
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.removeAttribute("aria-invalid");
    input.focus();
    input.parentElement.querySelector(".problem").textContent = "";
  };
  return [message, " ", ...choices.map((number) => button(showNumber(number), choose(number)))];
}

let recent = []; // clients whose tags, locations and property types are suggested
async function readRecent(signal) {
  const { content } = recent.length ? {} : await send("GET", "v1/clients?limit=100", { signal });
  recent = content?.data?.clients ?? recent;
}

/** What the agency already uses, to continue what is in an input after its last comma. */
function suggestions(input, name) {
  const list = el("datalist", { id: `field-${name}-list` });
  const fill = () => {
    const begun = input.value.replace(/[^,]*$/, "");
    const used = new Set(recent.flatMap((client) => flatten(client)[name] ?? []));
    readList(begun, name).forEach((entry) => used.delete(entry));
    list.replaceChildren(...[...used].map((entry) => el("option", { value: `${begun}${begun && " "}${inputText([entry], name)}` })));
  };
  input.addEventListener("focus", fill);
  input.addEventListener("input", fill);
  return list;
}

const lines = (given, attributes) => el("textarea", { ...attributes, rows: "2" });
const line = (given, attributes) => el("input", attributes);
const CONTROLS = {
  text: line, number: line, money: line, list: line, lines,
  flag: (given, attributes) => el("input", { ...attributes, type: "checkbox", checked: given === true }),
  choice: (given, attributes, field) =>
    select(attributes, [...(given === null ? [["", TEXT.choose]] : []), ...words(field)]),
  user: (given, attributes) => select(attributes, people()),
};

export async function formView({ id, query }, signal) {
  await ready(signal);
  readRecent(signal);
  const draft = readDraft(id);
  if (draft) return drawForm(draft, signal, draft.marked ? {} : { note: TEXT.draft });
  const base = id && flatten(await call("GET", `v1/clients/${id}`, { signal }));
  return drawForm(base ? { id, base, values: base } : newDraft(typedFields(query.q)), signal);
}

function drawForm(draft, signal, { message, problems = [], note } = {}) {
  const initial = draft.values;
  const keep = () => {
    draft.values = { ...initial, ...readFields(new FormData(form), initial) };
    if (same(draft.values, draft.base)) dropDraft(draft.id);
    else writeDraft(draft);
  };
  const submit = (event) => {
    event.preventDefault();
    keep();
    save(draft, form, signal);
  };
  const summary = el("p.problem", { role: "alert", tabindex: "-1" }, problems.length ? TEXT.problems : message);
  const problemOf = ({ name }) => problems.find((problem) => problem.field === name);
  const groups = FIELDS_BY_GROUP.map(([group, fields]) => {
    const inputs = el("div.fields", fields.filter(isEditable).map((field) => control(field, initial, problemOf(field))));
    if (group === "client") return el("section.card", inputs);
    const isOpen = fields.some((field) =>
      !isUnset(initial[field.name] || null) || problemOf(field) || field.name === draft.marked);
    return el("details.card", { open: isOpen }, el("summary", el("h2", TEXT.profile)), inputs);
  });
  const reveal = ({ target }) => target.closest(".field")?.scrollIntoView({ block: "nearest" }); // with its problem
  const form = el("form.client", { novalidate: true, input: keep, submit, focusin: reveal }, el("p.note", note), summary, groups,
    el("div.actions", el("button.main", TEXT.save), button(TEXT.discard, () => discard(draft))));
  show(draft.id ? TEXT.editing(isolate(fullName(draft.base))) : TEXT.create,
    { back: draft.id ? `#/client/${draft.id}` : state.list ?? "#/" }, form);
  const marked = draft.marked && form.elements[draft.marked];
  marked?.parentElement.classList.add("marked");
  const first = marked || (message ? form.querySelector("[aria-invalid]") ?? summary : form.querySelector("input"));
  first.focus({ preventScroll: true });
  return form;
}

/** Save a draft. The form is disabled meanwhile, so that nothing is sent twice and no input is lost. */
async function save(draft, form, signal) {
  const isNew = draft.id === null;
  const [method, path, headers] = isNew ? ["POST", "v1/clients", { "Idempotency-Key": draft.key }]
    : ["PUT", `v1/clients/${draft.id}`, { "If-Match": `"${draft.base.version}"` }];
  const { user_id: newOwner, ...body } = changes(draft.base, draft.values);
  const isChanged = isNew || Object.keys(body).length > 0;
  if (!isChanged && !newOwner) return discard(draft);
  say("");
  form.inert = true;
  form.querySelector(".main").textContent = TEXT.saving;
  try {
    const twins = await findTwins(draft, signal);
    if (twins.length) return askForTwin(draft, twins, signal);
    const saved = isChanged ? await call(method, path, { body, headers, signal }) : draft.base;
    if (isChanged) remember(saved);
    if (newOwner) await giveTo(newOwner, isChanged ? flatten(saved) : saved, draft, signal);
    finish(draft.id, isNew ? TEXT.created : TEXT.saved, `#/client/${saved.id}`);
  } catch (error) {
    if (!signal.aborted) explain(error, draft, form, signal);
  }
}

/** Give a client to another owner, after the rest of its draft was saved: if this fails, only the owner is unsaved. */
async function giveTo(user_id, saved, draft, signal) {
  dropDraft(draft.id);
  writeDraft(Object.assign(draft, { id: saved.id, base: saved, values: { ...saved, user_id } }));
  const headers = { "If-Match": `"${saved.version}"` };
  remember(await call("POST", `v1/clients/${saved.id}/owner`, { body: { user_id }, headers, signal }));
}

/** Show why a draft was not saved, and what to do. */
function explain(error, draft, form, signal) {
  const redraw = (problem) => drawForm(draft, signal, problem);
  if (error.status === 404) return state.showFailure(error, signal);
  if (error.status === 412) {
    return showConflict(draft, error.details, form, signal).catch((problem) => state.showFailure(problem, signal));
  }
  if (error.status === 400) return redraw({ message: error.message, problems: allProblems(error.problems, draft.values) });
  if (error.status !== 422) return redraw(error);
  writeDraft(Object.assign(draft, { key: newKey() })); // another save is then intentional
  return redraw(new Error(TEXT.reused));
}

const identityOf = ({ first_name, last_name, email = null, phone = null }) =>
  ({ name: fullName({ first_name, last_name }), email, phone });

/** Other clients with the new name, e-mail address or phone number of a draft, unless they were already shown. */
async function findTwins({ id, base, values, seen }, signal) {
  const [old, identity] = [identityOf(base), identityOf(values)];
  if (same(seen, identity)) return [];
  const isNew = (name) => identity[name] && identity[name] !== old[name];
  const isWhole = isNew("phone") && identity.phone.replace(/\D/g, "").length >= 7; // found in any notation
  const searches = [isNew("name") && { q: identity.name }, isNew("email") && { email: identity.email }, isWhole && { q: identity.phone }];
  const results = await Promise.all(searches.filter(Boolean).map((query) =>
    call("GET", `v1/clients?${new URLSearchParams({ ...query, limit: "5" })}`, { signal })
      .then(({ clients }) => clients.filter((client) => query.q !== identity.name || isNamed(client, identity.name)))
      .catch((error) => { if (error.status === 400) return []; throw error; }))); // saving reports the reason
  return [...new Map(results.flat().map((client) => [client.id, client])).values()].filter((client) => client.id !== id);
}
const isNamed = (client, name) => fullName(client).localeCompare(name, undefined, { sensitivity: "base" }) === 0;

async function askForTwin(draft, twins, signal) {
  const form = drawForm(draft, signal);
  const facts = (client) => [client.email, client.phone, [shortName(owner(client.user_id)), label(client.status),
    TEXT.createdOn(showDay(client.created_at))].join(" · ")];
  const list = el("ul.keys", twins.map((client) => el("li", el("div", el("strong", value(fullName(client))),
    facts(client).filter(Boolean).map((text) => el("div.hint", value(text)))),
  el("a.button.main", { href: `#/client/${client.id}`, "aria-label": TEXT.open(isolate(fullName(client))) }, TEXT.openIt))));
  const anyway = draft.id ? TEXT.saveAnyway : TEXT.createAnyway;
  if (!await ask(TEXT.existsTitle, list, [[anyway, true], [TEXT.backToForm, false]])) return;
  writeDraft(Object.assign(draft, { seen: identityOf(draft.values) }));
  save(draft, form, signal);
}

/** Show both persons' changes. ``details`` come from the error. */
async function showConflict(draft, details, form, signal) {
  const theirs = flatten(await call("GET", `v1/clients/${draft.id}`, { signal }));
  const differences = merge(draft.base, draft.values, theirs);
  const kinds = new Set(differences.map(({ kind }) => kind));
  const [isTorn, isMine] = [kinds.has("conflict"), kinds.has("mine")];
  if (!isTorn && !isMine) return finish(draft.id, TEXT.saved, `#/client/${draft.id}`); // the server has these values already
  const saveMerged = (choices, element) => {
    const merged = { ...draft, base: theirs, values: combine(theirs, differences, choices) };
    writeDraft(merged);
    return save(merged, element, signal);
  };
  if (isMine && kinds.size === 1) return saveMerged({}, form); // it was restored, or has another owner
  const submit = (event) => {
    event.preventDefault();
    saveMerged(Object.fromEntries(new FormData(event.target)), event.target);
  };
  const hadValues = differences.some(({ base }) => !isUnset(base));
  const rows = differences.map((one) => [value(one.field.label), ...(hadValues ? [shown(one.field, one.base, false)] : []),
    side(one, "mine"), side(one, "theirs")]);
  const person = details.changedBy ? shortName(details.changedBy) : TEXT.operator;
  const columns = Object.entries({ name: TEXT.field, ...(hadValues && { before: TEXT.before }), mine: TEXT.mine, theirs: person });
  show(TEXT.conflict, { back: state.list ?? "#/" }, el("p", el("strong", value(fullName(theirs))),
    ` ${TEXT.conflictHint(signature(details))} `, isTorn ? TEXT.chooseHint : TEXT.mergeHint),
  el("form.conflict", { submit }, table("differences", TEXT.conflict, columns, rows),
    el("div.actions", el("button.main", isTorn ? TEXT.saveChoice : TEXT.saveBoth),
      button(TEXT.backToForm, () => drawForm(draft, signal)), button(TEXT.discard, () => discard(draft)))));
}

/** What one person did to a field: a value to choose, a change that is kept, or nothing. */
function side({ field, kind, ...values }, who) {
  const content = shown(field, values[who], false);
  if (kind === who) return el("span.kept", content);
  if (kind !== "conflict") return el("span.unset", TEXT.unchangedBy);
  const radio = el("input", { type: "radio", name: field.name, value: who, required: true });
  return el("label.pick", radio, el("span", content), el("span.unseen", ` (${TEXT.keep[who]})`));
}
