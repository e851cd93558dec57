// The form of a client: its inputs, and saving.

import { TEXT } from "./text.mjs";
import {
  FIELDS_BY_GROUP, changes, flatten, inputText, questions, readFields, same, spread,
} from "./record.mjs";
import { fullName, isolate, sentence, showNumber } from "./values.mjs";
import { ask, button, currency, dialog, el, go, say, select, show, value, words } from "./dom.mjs";
import { call, isEditable, people, state } from "./requests.mjs";
import { discard, dropDraft, finish, newDraft, newKey, readDraft, writeDraft } from "./drafts.mjs";
import { showConflict } from "./conflict.mjs";

/** The input for a field, with its label and problem. */
function control(field, given, problem) {
  const { name, kind, required } = field;
  const id = `field-${name}`;
  const input = CONTROLS[kind](given, {
    id, name, dir: "auto", autocomplete: "off", placeholder: TEXT.hints[kind],
    inputmode: { email: "email", phone: "tel", number: "decimal", money: "decimal" }[kind === "text" ? name : kind],
    "aria-describedby": `${id}-problem`,
    "aria-required": required ? "true" : null, "aria-invalid": problem ? "true" : null,
  }, field);
  if (kind !== "flag") input.value = inputText(given);
  const note = required ? TEXT.required : kind === "money" ? currency : null;
  return el("div", { class: `field ${kind}` },
    el("label", { for: id }, field.label, note ? el("span.hint", ` (${note})`) : null), input,
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

const lines = (given, attributes) => el("textarea", { ...attributes, rows: "2" });
const line = (given, attributes) => el("input", attributes);
const CONTROLS = {
  text: line, number: line, money: line, lines, list: lines, details: lines,
  flag: (given, attributes) => el("input", { ...attributes, type: "checkbox", checked: given === true }),
  choice: (given, attributes, field) =>
    select(attributes, [...(given === null ? [["", TEXT.choose]] : []), ...words(field)]),
  user: (given, attributes) => select(attributes, people()),
};

export async function formView({ id }, signal) {
  const draft = readDraft(id);
  if (draft) return drawForm(draft, signal).prepend(el("p.note", TEXT.draft));
  const base = id && flatten(await call("GET", `v1/clients/${id}`, { signal }));
  return drawForm(base ? { id, base, values: base } : newDraft(), signal);
}

function drawForm(draft, signal, { message, problems = [] } = {}) {
  const initial = draft.values;
  const found = spread(problems);
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
  const summary = el("p.problem", { role: "alert", tabindex: "-1" }, found.length ? TEXT.problems : message);
  const problemOf = ({ name }) => found.find((problem) => problem.field === name);
  const groups = FIELDS_BY_GROUP.map(([group, fields]) => el("section.card", el("h2", TEXT.groups[group]),
    el("div.fields", fields.filter(isEditable)
      .map((field) => control(field, initial[field.name] ?? null, problemOf(field))))));
  const form = el("form.client", { novalidate: true, input: keep, submit }, summary, el("div.groups", groups),
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
  const { user_id: newOwner, ...body } = changes(draft.base, draft.values);
  const isChanged = isNew || Object.keys(body).length > 0;
  if (!isChanged && !newOwner) return discard(draft);
  const asked = questions(draft.values);
  if (asked.length) return drawForm(draft, signal, { message: TEXT.problems, problems: asked });
  say("");
  form.inert = true;
  form.querySelector(".main").textContent = TEXT.saving;
  try {
    const twins = isNew ? await findTwins(draft, signal) : [];
    if (twins.length) return askForTwin(draft, twins, signal);
    const saved = isChanged ? await call(method, path, { body, headers, signal }) : draft.base;
    if (newOwner) await giveTo(newOwner, isChanged ? flatten(saved) : saved, draft, signal);
    finish(draft.id, isNew ? TEXT.created : TEXT.saved, `#/client/${saved.id}`);
  } catch (error) {
    if (!signal.aborted) explain(error, draft, body, form, signal);
  }
}

/** Give a client to another owner, after the rest of its draft was saved: if this fails, only the owner is unsaved. */
function giveTo(user_id, saved, draft, signal) {
  dropDraft(draft.id);
  writeDraft(Object.assign(draft, { id: saved.id, base: saved, values: { ...saved, user_id } }));
  const headers = { "If-Match": `"${saved.version}"` };
  return call("POST", `v1/clients/${saved.id}/owner`, { body: { user_id }, headers, signal });
}

/** Show why a draft was not saved, and what to do. */
function explain(error, draft, body, form, signal) {
  const redraw = (problem) => drawForm(draft, signal, problem);
  if (error.status === 404) return state.showFailure(error, signal);
  if (error.status === 412) {
    const back = { element: form, redraw: () => redraw(), save: (merged, element) => save(merged, element, signal) };
    return showConflict(draft, error.details, signal, back).catch((problem) => state.showFailure(problem, signal));
  }
  if (error.status === 413) {
    const [field] = Object.keys(body).sort((a, b) => JSON.stringify(body[b]).length - JSON.stringify(body[a]).length);
    return redraw({ message: TEXT.problems, problems: [{ field, message: TEXT.tooLarge }] });
  }
  if (error.status !== 422) return redraw(error);
  writeDraft(Object.assign(draft, { key: newKey() })); // another save is then intentional
  return redraw(new Error(TEXT.reused));
}

/** The clients with the e-mail address or phone number of a new client, unless they were already shown. */
async function findTwins({ values: { email, phone }, seen }, signal) {
  if (same(seen, [email, phone])) return [];
  const isWhole = phone && phone.replace(/\D/g, "").length >= 7; // the search finds complete numbers in any notation
  const searches = [email && { email }, isWhole && { q: phone }].filter(Boolean);
  const twins = new Map();
  for (const query of searches) {
    const { clients } = await call("GET", `v1/clients?${new URLSearchParams({ ...query, limit: "5" })}`, { signal })
      .catch((error) => { if (error.status === 400) return { clients: [] }; throw error; }); // creating the client reports the reason
    clients.forEach((client) => twins.set(client.id, client));
  }
  return [...twins.values()];
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
  ask(TEXT.existsTitle, el("p", TEXT.existsHint), el("ul.keys", twins.map((client) => el("li", el("div",
    el("strong", value(fullName(client))), [client.email, client.phone].filter(Boolean).map((text) => el("div.hint", value(text)))),
  button(TEXT.openIt, open(client), "", TEXT.open(isolate(fullName(client))))))),
  el("div.actions", button(TEXT.createAnyway, create, "main"), button(TEXT.backToForm, () => dialog.close())));
}
