// The form of a client: its inputs, and saving.

import { TEXT, valueOf } from "./text.mjs";
import {
  changes, duplicatesOf, groupsOf, questions, readFields, same, showDetail, spread, unknownFields,
} from "./record.mjs";
import { fullName, isolate, sentence, showNumber } from "./values.mjs";
import { ask, button, currency, dialog, el, go, link, say, select, show, value, words } from "./dom.mjs";
import { call, owner, state } from "./requests.mjs";
import { discard, dropDraft, finish, newDraft, newKey, readDraft, writeDraft } from "./drafts.mjs";
import { showConflict } from "./conflict.mjs";

/** The input for a field, with its label and problem. ``problems`` are those of the whole form. */
function control(field, given, problems, prefix = "") {
  const name = prefix + field.name;
  const id = `field-${name}`;
  const problem = problems.find((one) => one.field === name);
  const input = CONTROLS[field.kind](field, given, {
    id, name, dir: "auto", autocomplete: "off", inputmode: { email: "email", phone: "tel" }[name],
    placeholder: TEXT.hints[name], "aria-describedby": `${id}-problem`,
    "aria-required": field.required ? "true" : null, "aria-invalid": problem ? "true" : null,
  }, problems);
  if (["string", "number"].includes(typeof given)) input.value = showNumber(given);
  const note = field.required ? TEXT.required : field.isMoney ? currency : null;
  const text = [field.label, note ? el("span.hint", ` (${note})`) : null];
  const isGroup = field.kind === "group";
  return el(isGroup ? "fieldset" : "div", { class: `field ${field.kind}` },
    isGroup ? el("legend.unseen", text) : el("label", { for: id }, text), input,
    el("p.problem", { id: `${id}-problem` }, problem && describe(problem, field, input)));
}

/** A problem as a sentence, or a question with a button for each possible answer. */
function describe({ message, choices }, field, input) {
  if (!choices) return sentence({ field: field.name, message });
  const choose = (number) => () => {
    input.value = showNumber(number);
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.removeAttribute("aria-invalid");
    input.focus();
    input.parentElement.querySelector(".problem").textContent = "";
  };
  return [message, " ", ...choices.map((number) => button(showNumber(number), choose(number)))];
}

const CONTROLS = {
  text: (_, given, attributes) => el("input", attributes),
  number: (_, given, attributes) => el("input", { ...attributes, inputmode: "decimal" }),
  lines: (_, given, attributes) => el("textarea", { ...attributes, rows: "5" }),
  flag: (_, given, attributes) => el("input", { ...attributes, type: "checkbox", checked: given === true }),
  choice: (field, given, attributes) =>
    select(attributes, [...(given === null ? [["", TEXT.choose]] : []), ...words(field)]),
  user: (_, given, attributes) => {
    const enabled = [...state.users.values()].filter(({ disabled }) => !disabled).map(({ id }) => id);
    return select(attributes, [...new Set([given, ...enabled])].map((id) => [id, owner(id)]));
  },
  list: listControl,
  group: (field, given, { name }, problems) => el("div.fields",
    field.fields.map((part) => control(part, valueOf(given, part.name), problems, `${name}-`)),
    details(field, given, name)),
};

const changed = (input) => input.dispatchEvent(new Event("input", { bubbles: true }));

/** A list of texts: an input adds one, and each has a button that removes it. */
function listControl(_, given, { name, ...attributes }) {
  const input = el("input", { ...attributes, name: `${name}+`, placeholder: TEXT.addItem });
  const tags = el("ul.tags");
  const remove = ({ target }) => { target.closest("li").remove(); input.focus(); changed(input); };
  const add = (item) => tags.append(el("li", value(item), el("input", { type: "hidden", name, value: item }),
    button("×", remove, "", TEXT.removeItem(item))));
  given?.forEach(add);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !input.value.trim()) return;
    event.preventDefault();
    add(input.value.trim());
    input.value = "";
    changed(input);
  });
  return el("div.items", tags, input);
}

/** The members of a group that the document does not know: each can be changed and removed, and others added. */
function details(group, given, name) {
  const add = button(TEXT.addDetail, () => { add.before(row("", "", true)); add.previousSibling.querySelector("input").focus(); });
  const row = (key, text, isNew = false) => {
    const remove = () => { line.remove(); add.focus(); changed(add); };
    const title = isNew ? el("input", { name: `${name}+name`, "aria-label": TEXT.detailName, placeholder: TEXT.detailName })
      : [el("input", { type: "hidden", name: `${name}+name`, value: key.name }), value(key.label)];
    const label = isNew ? TEXT.detailValue : key.label;
    const input = el("textarea", { name: `${name}+value`, rows: "1", dir: "auto", "aria-label": label }, text);
    const line = el("div.detail", title, input, button("×", remove, "quiet", TEXT.removeItem(isNew ? TEXT.detail : key.label)));
    return line;
  };
  return el("div.details", unknownFields(group, given).map((key) => row(key, showDetail(given[key.name]))), add);
}

export async function formView({ id }, signal) {
  const draft = readDraft(id);
  if (draft) return drawForm(draft, signal).prepend(el("p.note", TEXT.draft));
  const base = id && await call("GET", `v1/clients/${id}`, { signal });
  return drawForm(base ? { id, base, values: base } : newDraft(), signal);
}

function drawForm(draft, signal, { message, problems = [] } = {}) {
  const initial = draft.values;
  const found = spread(problems);
  const keep = () => {
    draft.values = { ...initial, ...readFields(state.fields, new FormData(form), initial) };
    if (same(draft.values, draft.base)) dropDraft(draft.id);
    else writeDraft(draft);
  };
  const submit = (event) => {
    event.preventDefault();
    keep();
    save(draft, form, signal);
  };
  const summary = el("p.problem", { role: "alert", tabindex: "-1" }, found.length ? TEXT.problems : message);
  const groups = groupsOf(state.fields).map(([group, fields]) => el("section.card", el("h2", TEXT.groups[group]),
    el("div.fields", fields.map((field) => control(field, valueOf(initial, field.name), found)))));
  const form = el("form.client", { novalidate: true, input: keep, submit }, summary, groups,
    el("div.actions", el("button.main", TEXT.save), button(TEXT.discard, () => discard(draft))));
  show(draft.id ? TEXT.editing(isolate(fullName(draft.base))) : TEXT.create, { back: state.list ?? "#/" }, form);
  const first = message ? form.querySelector("[aria-invalid]") ?? summary : form.querySelector("input");
  first.focus({ preventScroll: !message });
  return form;
}

/** Save a draft. The form is disabled meanwhile, so that nothing is sent twice and no input is lost. */
async function save(draft, form, signal) {
  const isNew = draft.id === null;
  const [method, path, headers] = isNew ? ["POST", "v1/clients", { "Idempotency-Key": draft.key }]
    : ["PUT", `v1/clients/${draft.id}`, { "If-Match": `"${draft.base.version}"` }];
  const { user_id: newOwner, ...body } = changes(state.fields, draft.base, draft.values);
  const isChanged = isNew || Object.keys(body).length > 0;
  if (!isChanged && !newOwner) return discard(draft);
  const asked = questions(state.fields, draft.values);
  if (asked.length) return drawForm(draft, signal, { message: TEXT.problems, problems: asked });
  say("");
  form.inert = true;
  form.querySelector(".main").textContent = TEXT.saving;
  try {
    const twins = isNew ? await findTwins(draft, signal) : [];
    if (twins.length) return askForTwin(draft, twins, signal);
    const saved = isChanged ? await call(method, path, { body, headers, signal }) : draft.base;
    if (newOwner) await giveTo(newOwner, saved, draft, signal);
    finish(draft.id, isNew ? TEXT.created : TEXT.saved, `#/client/${saved.id}`);
  } catch (error) {
    if (!signal.aborted) explain(error, draft, body, signal);
  }
}

/** Give a client to another owner. The rest of its draft is saved: if this fails, only the owner is left to save. */
function giveTo(user_id, saved, draft, signal) {
  dropDraft(draft.id);
  writeDraft(Object.assign(draft, { id: saved.id, base: saved, values: { ...saved, user_id } }));
  const headers = { "If-Match": `"${saved.version}"` };
  return call("POST", `v1/clients/${saved.id}/owner`, { body: { user_id }, headers, signal });
}

/** Show why a draft was not saved, and what to do. */
function explain(error, draft, body, signal) {
  const redraw = (problem) => drawForm(draft, signal, problem);
  if (error.status === 404) return showGone(draft);
  if (error.status === 412) {
    const back = { save, redraw: () => drawForm(draft, signal) };
    return showConflict(draft, signal, back).catch((problem) => state.showFailure(problem, signal));
  }
  if (error.status === 413) {
    const [field] = Object.keys(body).sort((a, b) => JSON.stringify(body[b]).length - JSON.stringify(body[a]).length);
    return redraw({ message: TEXT.problems, problems: [{ field, message: TEXT.tooLarge }] });
  }
  if (error.status !== 422) return redraw(error);
  writeDraft(Object.assign(draft, { key: newKey() })); // another save is then intentional
  return redraw(new Error(TEXT.reused));
}

/** The clients with the e-mail address or phone number of a new one, unless they were seen already. */
async function findTwins({ values: { email, phone }, seen }, signal) {
  if (same(seen, [email, phone])) return [];
  const searches = [email && { email }, /\d/.test(phone) && { q: phone }].filter(Boolean);
  const found = await Promise.all(searches.map((query) =>
    call("GET", `v1/clients?${new URLSearchParams({ ...query, limit: "5" })}`, { signal })
      .catch((error) => { if (error.status === 400) return { clients: [] }; throw error; }))); // the create says why
  const clients = new Map(found.flatMap((page) => page.clients).map((client) => [client.id, client]));
  return duplicatesOf({ email, phone }, [...clients.values()]);
}

function askForTwin(draft, twins, signal) {
  const { email = null, phone = null } = draft.values;
  const form = drawForm(draft, signal);
  const create = () => {
    dialog.close();
    writeDraft(Object.assign(draft, { seen: [email, phone] }));
    save(draft, form, signal);
  };
  const open = (client) => () => { dialog.close(); go(`#/client/${client.id}`); };
  ask(TEXT.existsTitle, el("p", TEXT.existsHint), el("ul.twins", twins.map((client) => el("li",
    el("strong", value(fullName(client))), [client.email, client.phone].filter(Boolean).map((text) => el("div", value(text))),
    button(TEXT.open(isolate(fullName(client))), open(client))))),
  el("div.actions", button(TEXT.createAnyway, create, "main"), button(TEXT.backToForm, () => dialog.close())));
}

function showGone(draft) {
  const again = () => {
    writeDraft(newDraft(changes(state.fields, {}, draft.values)));
    finish(draft.id, "", "#/new");
  };
  show(TEXT.notFound, { back: state.list ?? "#/" }, el("p", TEXT.gone),
    el("div.actions", button(TEXT.recreate, again, "main")));
}
