// The form of a client: its inputs, saving, and what another person has saved meanwhile.

import {
  FIELDS, changes, combine, flatten, inputText, merge, problemsOf, readFields, readList, same, typedFields,
} from "./record.mjs";
import { fullName, isolate, label, showDay } from "./values.mjs";
import { ask, button, currency, el, no, say, select, show, value, words, yes } from "./dom.mjs";
import {
  call, dropDraft, finish, isEditable, owner, people, readDraft, ready, remember, shortName, state, writeDraft,
} from "./requests.mjs";
import { changed, isUnset, nameOf, signature } from "./client.mjs";

/** What the inputs of each kind of field have of their own. */
const INPUTS = {
  phone: { type: "tel" }, email: { inputmode: "email" }, flag: { type: "checkbox" }, lines: { rows: "2" },
  number: { inputmode: "decimal" }, money: { inputmode: "decimal", placeholder: "450k" },
  list: { placeholder: "Separated by commas" },
};
function inputOf(field, given, attributes) {
  if (field.kind === "user") return select(attributes, people());
  if (field.kind === "choice") return select(attributes, [...(given === null ? [["", "Choose…"]] : []), ...words(field)]);
  return el(field.kind === "lines" ? "textarea" : "input", { ...attributes, ...INPUTS[field.kind] });
}

/** The input for a field, with its label, and with the note that its draft has for it: {text, choices, isInvalid,
 *  isMarked}. */
function control(field, initial, draft) {
  const { name, kind, required } = field;
  const [id, given] = [`field-${name}`, initial[name] ?? null];
  const note = draft.notes?.[name] ?? {};
  const input = inputOf(field, given, {
    id, name, dir: "auto", autocomplete: "off", list: kind === "list" ? `${id}-list` : null,
    "aria-describedby": `${id}-problem`, "aria-required": required ? "true" : null,
    "aria-invalid": note.isInvalid ? "true" : null,
  });
  const fill = (content) => {
    initial[name] = content; // so that its text is not a question again
    if (kind === "flag") input.checked = content === true;
    else input.value = inputText(content, name);
  };
  fill(given);
  const hint = required ? "required" : kind === "money" ? currency : null;
  return el("div", { class: `field ${kind} ${note.isMarked ? "marked" : ""}` },
    el("label", { for: id }, field.label, hint && el("span.hint", ` (${hint})`)), input,
    kind === "list" ? suggestions(input, name) : null, noteOf(input, note, fill, () => delete draft.notes[name]));
}

/** The text of a note, and a button for each of its values: one must be chosen or typed, which settles the note. */
function noteOf(input, { text, choices = [] }, fill, settle) {
  const choose = (content) => () => {
    fill(content);
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.focus();
  };
  const note = el("div.problem", { id: `${input.id}-problem` }, text,
    choices.map(([answer, content]) => [" ", button(answer, choose(content))]));
  input.setCustomValidity(choices.length ? "Choose a value." : "");
  if (choices.length) input.addEventListener("input", () => {
    input.setCustomValidity("");
    input.removeAttribute("aria-invalid");
    note.replaceChildren();
    settle();
  }, { once: true });
  return note;
}

let recent = null; // the clients whose tags, locations and property types are suggested, once they are needed
const readRecent = () =>
  (recent ??= call("GET", "v1/clients?limit=100").then(({ clients }) => clients.map(flatten), () => []));

/** What the agency already uses, to continue what is in an input after its last comma. */
function suggestions(input, name) {
  const list = el("datalist", { id: `field-${name}-list` });
  const fill = async () => {
    const used = new Set((await readRecent()).flatMap((client) => client[name] ?? []));
    const begun = input.value.replace(/[^,]*$/, "");
    readList(begun, name).forEach((entry) => used.delete(entry));
    const texts = [...used].map((entry) => `${begun}${begun && " "}${inputText([entry], name)}`);
    list.replaceChildren(...texts.map((text) => el("option", { value: text })));
  };
  input.addEventListener("focus", fill);
  input.addEventListener("input", fill);
  return list;
}

const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
export async function formView({ id, query }, signal) {
  await ready(signal);
  const draft = readDraft(id);
  if (draft) return drawForm(draft, signal, "", "Unsaved changes:");
  const base = id ? flatten(await call("GET", `v1/clients/${id}`, { signal }))
    : { status: "active", user_id: state.me.id }; // what the server sets
  return drawForm({ id, base, values: id ? base : { ...base, ...typedFields(query.q) }, key: newKey() }, signal);
}

const discard = ({ id }) => finish(id, "", id ? `#/client/${id}` : state.list ?? "#/");

function drawForm(draft, signal, message = "", note = null) {
  const initial = { ...draft.values };
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
  const inputs = (isProfile) => el("div.fields", FIELDS.filter((field) => field.isProfile === isProfile && isEditable(field))
    .map((field) => control(field, initial, draft)));
  const isUsed = ({ name }) => !isUnset(initial[name] || null) || draft.notes?.[name];
  const open = FIELDS.some((field) => field.isProfile && isUsed(field));
  const reveal = ({ target }) => target.closest(".field")?.scrollIntoView({ block: "nearest" }); // with its problem
  const summary = el("p.problem", { role: "alert", tabindex: "-1" }, message);
  const form = el("form.client", { input: keep, submit, focusin: reveal }, el("p.note", note), summary,
    el("section.card", inputs(false)),
    el("details.card", { open }, el("summary", "Search profile"), inputs(true)),
    el("div.actions", el("button.main", "Save"), button("Discard changes", () => discard(draft))));
  show(draft.id ? `Edit ${isolate(fullName(draft.base))}` : "New client",
    { back: draft.id ? `#/client/${draft.id}` : state.list ?? "#/" }, form);
  const noted = form.querySelector("[aria-invalid], .marked :is(input, select, textarea)");
  (noted ?? (message ? summary : form.querySelector("input"))).focus({ preventScroll: true });
  return form;
}

/** Save a draft. The form is disabled meanwhile, so that nothing is sent twice and no input is lost. */
async function save(draft, form, signal, done = draft.id ? "Saved." : "Created.") {
  const { user_id, ...body } = changes(draft.base, draft.values);
  const isChanged = !draft.id || Object.keys(body).length > 0;
  if (!isChanged && !user_id) return discard(draft);
  const path = draft.id ? `v1/clients/${draft.id}` : "v1/clients";
  const headers = draft.id ? { "If-Match": `"${draft.base.version}"` } : { "Idempotency-Key": draft.key };
  say("");
  form.inert = true;
  form.querySelector(".main").textContent = "Saving…";
  try {
    const twins = draft.isAsked ? [] : await findTwins(draft, body, signal);
    if (twins.length) return askForTwin(draft, twins, signal);
    const saved = isChanged ? await call(draft.id ? "PUT" : "POST", path, { body, headers, signal })
      : await call("POST", `${path}/owner`, { body: { user_id }, headers, signal });
    remember(saved);
    dropDraft(draft.id);
    if (!isChanged || !user_id) return finish(saved.id, done, `#/client/${saved.id}`);
    // The owner is another request. If it fails, only the owner is unsaved.
    const base = flatten(saved);
    writeDraft(Object.assign(draft, { id: saved.id, base, values: { ...base, user_id } }));
    return save(draft, form, signal, done);
  } catch (error) {
    return explain(error, draft, signal);
  }
}

/** Show why a draft was not saved, and what to do. */
function explain(error, draft, signal) {
  if (signal.aborted) return null;
  if (error.status === 404) return location.replace(`#/client/${draft.id}`); // the draft is kept
  if (error.status === 412) {
    return reconcile(draft, error.details, signal).catch((problem) => explain(problem, draft, signal));
  }
  draft.notes = error.status === 400 ? problemsOf(error.problems, draft.values) : {};
  const hasProblems = Object.keys(draft.notes).length > 0;
  if (hasProblems) return drawForm(draft, signal, "The client was not saved. Correct the marked fields.");
  if (error.status !== 422) return drawForm(draft, signal, error.message);
  writeDraft(Object.assign(draft, { key: newKey() })); // another save is then intentional
  return drawForm(draft, signal, "An earlier attempt may have created this client. Look at the list before you save again.");
}

/** Merge a draft with what another person has saved meanwhile, and show that at the fields. */
async function reconcile(draft, details, signal) {
  const theirs = flatten(await call("GET", `v1/clients/${draft.id}`, { signal }));
  const rows = merge(draft.base, draft.values, theirs);
  const [isMine, isTheirs, isTorn] = ["mine", "theirs", "conflict"].map((kind) => rows.some((row) => row.kind === kind));
  if (!isMine && !isTorn) return finish(draft.id, "Saved.", `#/client/${draft.id}`); // the server has these values already
  const notes = rows.filter(({ kind }) => kind !== "mine").map((row) => [row.field.name, {
    text: el("p", `${nameOf(details.changedBy)} changed this: `, changed(row.field, row.base, row.theirs)).textContent,
    isInvalid: row.kind === "conflict",
    choices: row.kind === "conflict" ? [["Keep your value", row.mine], ["Use their value", row.theirs]] : [],
  }]);
  const values = combine(theirs, rows);
  writeDraft(Object.assign(draft, { base: theirs, values, notes: Object.fromEntries(notes) }));
  if (!isTheirs && !isTorn) return save(draft, drawForm(draft, signal), signal); // it was restored, or has another owner
  const saved = `saved by ${signature(details.changedBy, details.changedAt)}. No changes are lost.`;
  return drawForm(draft, signal, `Someone else changed this client: ${saved} `
    + (isTorn ? "Choose which value to keep where you changed the same field." : "Save again to keep both changes."));
}

/** Other clients that have the new name, e-mail address or phone number of a draft. */
async function findTwins({ id, values }, { first_name, last_name, email, phone }, signal) {
  const name = fullName(values);
  const isNamed = (client) => fullName(client).localeCompare(name, undefined, { sensitivity: "base" }) === 0;
  const search = async (query, isTwin = () => true) => {
    const { clients } = await call("GET", `v1/clients?${new URLSearchParams({ ...query, limit: "5" })}`, { signal });
    return clients.filter((client) => client.id !== id && isTwin(client)).map((client) => [client.id, client]);
  };
  const found = await Promise.all([
    first_name || last_name ? search({ q: name }, isNamed) : [], email ? search({ email }) : [],
    phone?.replace(/\D/g, "").length >= 7 ? search({ q: phone }) : [], // found in any notation
  ]).catch((error) => { if (error.status === 400) return []; throw error; }); // saving reports the reason
  return [...new Map(found.flat()).values()];
}

async function askForTwin(draft, twins, signal) {
  const form = drawForm(draft, signal);
  const facts = (client) => [client.email, client.phone, [shortName(owner(client.user_id)), label(client.status),
    `created ${showDay(client.created_at)}`].join(" · ")];
  const list = el("ul.keys", twins.map((client) => el("li", el("div", el("strong", value(fullName(client))),
    facts(client).filter(Boolean).map((text) => el("div.hint", value(text)))),
  el("a.button.main", { href: `#/client/${client.id}`, "aria-label": `Open ${isolate(fullName(client))}` }, "Open"))));
  if (!await ask("This client may already exist", list,
    [yes(draft.id ? "Save anyway" : "Create anyway", ""), no("Back to the form")])) return;
  writeDraft(Object.assign(draft, { isAsked: true }));
  save(draft, form, signal);
}
