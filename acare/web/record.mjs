// Clients as data: their fields, forms, changes and matches. Independent of the document, so that Node can test it.

import { TEXT, label, valueOf } from "./text.mjs";
import { readNumber, readings, showNumber } from "./values.mjs";

// --- fields
/** The fields that a person may fill in, by group and in the order of the page: [name, kind, options]. */
const GROUPS = {
  contact: [["first_name", "text"], ["last_name", "text"], ["email", "text"], ["phone", "text"],
    ["client_type", "choice", ["buyer", "seller", "both"]], ["status", "choice", ["active", "inactive", "closed"]],
    ["source", "text"], ["user_id", "user"]],
  search: [["preferred_locations", "list"], ["bedrooms_min", "number"], ["bathrooms_min", "number"],
    ["square_feet_min", "number"], ["property_types", "list"], ["property_preferences", "details"]],
  money: [["budget_min", "money"], ["budget_max", "money"], ["pre_approved", "flag"], ["pre_approval_amount", "money"]],
  notes: [["tags", "list"], ["notes", "lines"]],
};
const isNumber = (kind) => kind === "number" || kind === "money";
const REQUIRED = ["first_name", "last_name", "client_type"];
/** [[group, fields]]; a field is {name, label, kind, options, required}. */
export const FIELDS_BY_GROUP = Object.entries(GROUPS).map(([group, rows]) => [group, rows.map(([name, kind, options]) =>
  ({ name, label: label(name), kind, options, required: REQUIRED.includes(name) }))]);
export const FIELDS = FIELDS_BY_GROUP.flatMap(([, fields]) => fields);

const MEMBERS = ["bedrooms_min", "bathrooms_min", "square_feet_min", "property_types"];
/** A client as the page has it: the known members of property_preferences are fields beside it. */
export function flatten({ property_preferences: given, ...client }) {
  const others = Object.entries(given ?? {}).filter(([name]) => !MEMBERS.includes(name));
  const members = MEMBERS.map((name) => [name, valueOf(given, name)]);
  return { ...client, ...Object.fromEntries(members), property_preferences: Object.fromEntries(others) };
}
/** The client as the API has it. */
export function nest(values) {
  const isMember = ([name]) => MEMBERS.includes(name);
  const fields = Object.entries(values);
  const members = fields.filter((field) => isMember(field) && field[1] !== null);
  return { ...Object.fromEntries(fields.filter((field) => !isMember(field))),
    property_preferences: { ...values.property_preferences, ...Object.fromEntries(members) } };
}

// --- forms
const isLine = (value) => typeof value === "string" && !/[\r\n]/.test(value);
/** A detail, or its name, in one line of text. */
const showDetail = (value) => (isLine(value) ? value : JSON.stringify(value));

/** The text of an input for a value: each entry of a list and each detail has a line. */
export function inputText(value) {
  if (Array.isArray(value)) return value.join("\n");
  if (value === null || typeof value !== "object") return showNumber(value);
  return Object.entries(value).map(([name, detail]) => `${showDetail(name)}: ${showDetail(detail)}`).join("\n");
}

/** The values in a form: {name: value}. Fields that were not edited keep the values that were given. */
export const readFields = (form, given) =>
  Object.fromEntries(FIELDS.map((field) => [field.name, readField(field, form, given[field.name] ?? null)]));

function readField({ name, kind, required }, form, given) {
  if (kind === "flag") return form.has(name) || (given && false);
  if (!form.has(name)) return given;
  const text = form.get(name);
  if (text === inputText(given).replace(/\r\n?/g, "\n")) return given;
  const lines = text.split("\n").filter((line) => line.trim());
  if (kind === "list") return lines.map((line) => line.trim());
  if (kind === "details") return readDetails(lines, given ?? {});
  return isNumber(kind) ? readNumber(text) : text.trim() || (required ? "" : null);
}

/** The details in lines such as "View: sea"; "Pool" alone means yes. */
function readDetails(lines, given) {
  const taken = [...MEMBERS];
  return Object.fromEntries(lines.map((line) => {
    const old = Object.keys(given).find((name) => line.startsWith(`${showDetail(name)}:`)); // a name may have a colon
    const at = old === undefined ? line.indexOf(":") : showDetail(old).length;
    let name = old ?? (at < 0 ? line : line.slice(0, at)).trim();
    while (taken.includes(name)) name += " (2)"; // nothing that was typed is lost
    taken.push(name);
    return [name, at < 0 || readDetail(line.slice(at + 1), valueOf(given, name))];
  }));
}

function readDetail(text, given) {
  if (text === ` ${showDetail(given)}`) return given;
  try {
    return given === null || isLine(given) ? text.trim() : JSON.parse(text);
  } catch {
    return text.trim();
  }
}

/** What the page asks before it sends values: [{field, message, choices}]. */
export const questions = (values) => FIELDS.flatMap(({ name, kind }) => {
  const given = values[name];
  const choices = isNumber(kind) && typeof given === "string" ? readings(given) : [];
  return choices.length > 1 ? [{ field: name, message: TEXT.ambiguous(given), choices }] : [];
});

/** The problems that a server reports, each at the field of the page. */
export const spread = (problems) => problems.map((problem) => {
  const [, member, rule] = problem.message.match(/^is invalid: ([a-z]\S*) (.*)$/s) ?? [];
  return MEMBERS.includes(member) ? { field: member, message: rule } : problem;
});

// --- finding
const LETTERS = { ß: "ss", æ: "ae", ø: "o", ł: "l", đ: "d" };
const fold = (text) =>
  text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "").replace(/[ßæøłđ]/g, (letter) => LETTERS[letter]);
const wordsOf = (text) => fold(text).split(/[^\p{L}\p{N}]+/u).filter(Boolean);

/** The first field that the list does not show and that a word of the search matches: {name, text}, or null. */
export function hiddenMatch(client, search) {
  const startsIn = (text, word) => wordsOf(text).some((other) => other.startsWith(word));
  const shown = [client.first_name, client.last_name, client.email, client.phone].join(" ");
  const digits = (client.phone ?? "").replace(/\D/g, "");
  const word = wordsOf(search).find((one) => !startsIn(shown, one) && !(/^\d+$/.test(one) && digits.includes(one)));
  const texts = ["tags", "preferred_locations", "notes"].flatMap((name) =>
    [client[name] ?? []].flat().map((text) => ({ name, text })));
  const found = word && texts.find(({ text }) => startsIn(text, word));
  if (!found) return null;
  const from = Math.max(0, fold(found.text).indexOf(word) - 30);
  const text = found.text.slice(from, from + 90);
  return { ...found, text: `${from ? "…" : ""}${text}${from + 90 < found.text.length ? "…" : ""}` };
}

// --- merging changes
/** Whether two values are the same JSON; absent is null, and the order of members does not count. */
export const same = (a, b) => canonical(a) === canonical(b);
const canonical = (value) => JSON.stringify(value ?? null, (_, part) => {
  if (part === null || typeof part !== "object" || Array.isArray(part)) return part;
  const names = Object.keys(part).filter((name) => part[name] !== null).sort();
  return Object.fromEntries(names.map((name) => [name, part[name]]));
});

/** The fields in which two changed clients differ: [{field, base, mine, theirs, kind}]. ``kind`` says who changed it:
 *  "mine", "theirs" or, if both did, "conflict". */
export function merge(...states) {
  return FIELDS.flatMap((field) => {
    const [base, mine, theirs] = states.map((state) => state[field.name] ?? null);
    const kind = same(base, theirs) ? "mine" : same(base, mine) ? "theirs" : "conflict";
    return same(mine, theirs) ? [] : [{ field, base, mine, theirs, kind }];
  });
}

/** The client with both persons' changes; ``choices`` has "mine" or "theirs" for each conflict, by field. */
export function combine(theirs, rows, choices) {
  const kept = rows.filter(({ kind, field }) => (kind === "conflict" ? choices[field.name] : kind) === "mine");
  return { ...theirs, ...Object.fromEntries(kept.map(({ field, mine }) => [field.name, mine])) };
}

/** The body of an update: the fields that differ. */
export function changes(base, values) {
  const [before, after] = [base, values].map(nest);
  const differing = FIELDS.filter(({ name }) => !same(before[name], after[name]));
  return Object.fromEntries(differing.map(({ name }) => [name, after[name]]));
}
