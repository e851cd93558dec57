// Clients as data: their fields, forms, changes and matches. Independent of the document, so that Node can test it.

import { TEXT, label, valueOf } from "./text.mjs";
import { amounts, readNumber, readings, showNumber } from "./values.mjs";

// --- fields
/** The fields that a person may fill in, by group and in the order of the page: [name, kind, options]. */
const GROUPS = {
  client: [["first_name", "text"], ["last_name", "text"], ["phone", "text"], ["email", "text"],
    ["client_type", "choice", ["buyer", "seller", "both"]], ["status", "choice", ["active", "inactive", "closed"]],
    ["budget_min", "money"], ["budget_max", "money"], ["notes", "lines"], ["tags", "list"], ["source", "text"],
    ["user_id", "user"]],
  search: [["preferred_locations", "list"], ["property_types", "list"], ["bedrooms_min", "number"],
    ["bathrooms_min", "number"], ["square_feet_min", "number"], ["pre_approval_amount", "money"], ["pre_approved", "flag"],
    ["property_preferences", "details"]],
};
/** How the text of a kind of field becomes a number. */
const NUMBERS = { number: readings, money: amounts };
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

/** An entry of a list: in quotes with anything, or up to the next comma. A comma before the two letters of a state
 *  belongs to a location, as in "Bakersfield, CA". */
const ENTRY = /"(?:[^"\\]|\\.)*"(?=\s*(?:,|$))|[^\s,][^,]*/g;
const LOCATION = /"(?:[^"\\]|\\.)*"(?=\s*(?:,|$))|[^\s,](?:[^,]|,(?=\s*[A-Z]{2}\s*(?:,|$)))*/g;
function readEntry(text) {
  try {
    return /^".*"$/s.test(text) ? JSON.parse(text) : text.trim();
  } catch {
    return text.trim();
  }
}
export const readList = (text, name) =>
  (text.match(name === "preferred_locations" ? LOCATION : ENTRY) ?? []).map(readEntry);
const showEntry = (entry, name) => (same(readList(`x,${entry}`, name), ["x", entry]) ? entry : JSON.stringify(entry));

/** The text of an input for a value: the entries of a list in one line, and each detail in its own. */
export function inputText(value, name) {
  if (Array.isArray(value)) return value.map((entry) => showEntry(entry, name)).join(", ");
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
  if (text === inputText(given, name).replace(/\r\n?/g, "\n")) return given;
  if (kind === "list") return readList(text, name);
  return NUMBERS[kind] ? readNumber(text, undefined, NUMBERS[kind]) : text.trim() || (required ? "" : null);
}

/** The amounts that can be read in several ways, which the server refuses: [{field, message, choices}]. */
export const questions = (values) => FIELDS.flatMap(({ name, kind }) => {
  const given = values[name];
  const choices = NUMBERS[kind] && typeof given === "string" ? NUMBERS[kind](given) : [];
  return choices.length > 1 ? [{ field: name, message: TEXT.ambiguous(given), choices }] : [];
});

/** All problems of the values that a server has refused, each at its field: its own, and what it finds only later. */
export function allProblems(reported, values) {
  const problems = reported.map((problem) => {
    const [, member, rule] = problem.message.match(/^is invalid: ([a-z]\S*) (.*)$/s) ?? [];
    if (values[problem.field] === "") return { ...problem, message: "is required" };
    return MEMBERS.includes(member) ? { field: member, message: rule } : problem;
  });
  const isCrossed = typeof values.budget_min === "number" && values.budget_min > values.budget_max;
  const crossed = isCrossed ? [{ field: "budget_min", message: "must not be more than budget_max" }] : [];
  return [...questions(values), ...problems, ...crossed];
}

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
  const match = word && texts.find(({ text }) => startsIn(text, word));
  if (!match) return null;
  const from = Math.max(0, fold(match.text).indexOf(word) - 30);
  const text = match.text.slice(from, from + 90);
  return { ...match, text: `${from ? "…" : ""}${text}${from + 90 < match.text.length ? "…" : ""}` };
}

/** The fields of the new client whom a search has not found. */
export function typedFields(search) {
  const text = search.trim();
  if (!text) return {};
  if (text.includes("@")) return { email: text };
  if (/^[\d\s()+./-]+$/.test(text)) return { phone: text };
  const [first_name, ...others] = text.replace(/(?<![\p{L}\p{M}])\p{Ll}/gu, (letter) => letter.toUpperCase()).split(/\s+/);
  return { first_name, last_name: others.join(" ") };
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
