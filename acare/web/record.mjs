// Clients as data: their fields, forms, changes and matches. Independent of the document, so that Node can test it.

import { TEXT, label, valueOf } from "./text.mjs";
import { readNumber, readings, showNumber } from "./values.mjs";

// --- fields, out of the OpenAPI document
/** A part of the document, with references and "or null" resolved. */
export function resolve(document, part) {
  const { $ref, anyOf, ...rest } = part;
  const target = $ref?.slice(2).split("/").reduce((node, name) => node[name], document)
    ?? anyOf?.find((option) => option.type !== "null");
  return target ? { ...resolve(document, target), ...rest } : part;
}

const KINDS = { boolean: "flag", number: "number", array: "list", object: "group" };
function kindOf({ type, maxLength, enum: words }) {
  const known = [type].flat().find((name) => KINDS[name]);
  if (words || known) return words ? "choice" : KINDS[known];
  return maxLength > 1000 ? "lines" : "text"; // a long text may have line breaks
}

const MONEY = ["budget_min", "budget_max", "pre_approval_amount"];
/** The fields that a person may fill in: [{name, label, description, kind, isMoney, required, options, fields}]. */
export function fieldsOf(document, { properties = {}, required = [] } = document.components.schemas.ClientInput) {
  return Object.entries(properties).map(([name, given]) => {
    const rule = resolve(document, given);
    const { description = "", enum: options = [] } = rule;
    return { name, label: label(name), description, options, kind: kindOf(rule), isMoney: MONEY.includes(name),
      required: required.includes(name), fields: fieldsOf(document, rule) };
  });
}

const GROUPS = {
  contact: ["first_name", "last_name", "email", "phone", "client_type", "status", "source", "user_id"],
  search: ["preferred_locations", "property_preferences"],
  money: ["budget_min", "budget_max", "pre_approved", "pre_approval_amount"],
  notes: ["tags", "notes"],
};
/** The fields by group, in the order of the page: [[group, fields]]. A field without a group is in the last one. */
export function groupsOf(fields) {
  const known = Object.values(GROUPS).flat();
  const others = fields.filter(({ name }) => !known.includes(name));
  return Object.entries(GROUPS).map(([group, names]) => {
    const found = names.map((name) => fields.find((field) => field.name === name)).filter(Boolean);
    return [group, group === "notes" ? [...found, ...others] : found];
  });
}

/** The fields in a group that the document does not know and one of the records has. */
export const unknownFields = ({ fields }, ...records) =>
  [...new Set(records.flatMap((record) => Object.keys(record ?? {})))]
    .filter((name) => !fields.some((field) => field.name === name))
    .map((name) => ({ name, label: label(name), kind: "text", fields: [] }));

/** The values of the fields in a form: {name: value}. Fields that were not edited keep the values that were given. */
export const readFields = (fields, form, given, prefix = "") => Object.fromEntries(fields.map((field) =>
  [field.name, readField(field, form, valueOf(given, field.name), prefix + field.name)]));

function readField(field, form, given, name) {
  if (field.kind === "flag") return form.has(name) || (given && false);
  if (field.kind === "list") {
    const items = [...form.getAll(name), form.get(`${name}+`).trim()].filter(Boolean);
    return given || items.length ? items : null;
  }
  if (field.kind === "group") {
    const read = Object.entries(readFields(field.fields, form, given, `${name}-`)).filter((pair) => pair[1] !== null);
    const all = [...readDetails(field, form, given, name), ...read];
    return given || all.length ? Object.fromEntries(all) : null;
  }
  const text = form.get(name);
  if (text === showNumber(given).replace(/\r\n?/g, "\n")) return given;
  return field.kind === "number" ? readNumber(text) : text.trim() || (field.required ? "" : null);
}

/** What an input shows of a member that the document does not know. */
export const showDetail = (value) => (typeof value === "string" ? value : JSON.stringify(value));

/** The members of a group that the document does not know, as pairs: each has an input for its name and its value. */
function readDetails({ fields }, form, given, name) {
  const texts = form.getAll(`${name}+value`);
  const taken = fields.map((field) => field.name);
  return form.getAll(`${name}+name`).flatMap((typed, at) => {
    const isOld = Object.hasOwn(given ?? {}, typed) && !taken.includes(typed);
    let key = isOld ? typed : typed.trim();
    if (!key && !isOld && !texts[at].trim()) return [];
    while (taken.includes(key)) key += " (2)"; // nothing that was typed is lost
    taken.push(key);
    return [[key, isOld ? readDetail(texts[at], given[typed]) : texts[at].trim()]];
  });
}

function readDetail(text, given) {
  if (text === showDetail(given).replace(/\r\n?/g, "\n")) return given;
  try {
    return typeof given === "string" ? text.trim() : JSON.parse(text);
  } catch {
    return text.trim();
  }
}

/** What the page asks before it sends values: [{field, message, choices}]. The path of a member has a hyphen. */
export function questions(fields, values, prefix = "") {
  return fields.flatMap((field) => {
    const given = valueOf(values, field.name);
    const path = prefix + field.name;
    if (field.kind === "group") {
      const nameless = Object.hasOwn(given ?? {}, "") ? [{ field: path, message: TEXT.blankName }] : [];
      return [...nameless, ...questions(field.fields, given, `${path}-`)];
    }
    const choices = field.kind === "number" && typeof given === "string" ? readings(given) : [];
    return choices.length > 1 ? [{ field: path, message: TEXT.ambiguous(given), choices }] : [];
  });
}

/** The problems that a server reports, each at the member of a group that it names. */
export const spread = (problems) => problems.map((problem) => {
  const [, member, rule] = problem.message.match(/^is invalid: ([a-z]\S*) (.*)$/s) ?? [];
  return member ? { field: `${problem.field}-${member}`, message: rule } : problem;
});

// --- finding
const LETTERS = { ß: "ss", æ: "ae", ø: "o", ł: "l", đ: "d" };
const fold = (text) =>
  text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "").replace(/[ßæøłđ]/g, (letter) => LETTERS[letter]);
const wordsOf = (text) => fold(text).split(/[^\p{L}\p{N}]+/u).filter(Boolean);

/** The first field that the list does not show and that a word of the search matches: {name, text}, or null. */
export function hiddenMatch(client, search) {
  const seen = [client.first_name, client.last_name, client.email, client.phone].flatMap((text) => wordsOf(text ?? ""));
  const digits = (client.phone ?? "").replace(/\D/g, "");
  for (const word of wordsOf(search)) {
    if (seen.some((other) => other.startsWith(word)) || (/^\d+$/.test(word) && digits.includes(word))) continue;
    for (const name of ["tags", "preferred_locations", "notes"]) {
      for (const text of [client[name] ?? []].flat()) {
        const parts = text.split(/\s+/);
        const at = parts.findIndex((part) => wordsOf(part).some((other) => other.startsWith(word)));
        if (at < 0) continue;
        const [from, to] = [Math.max(0, at - 3), at + 6];
        const shown = parts.slice(from, to).join(" ").slice(0, 100);
        return { name, text: (from > 0 ? "… " : "") + shown + (to < parts.length ? " …" : "") };
      }
    }
  }
  return null;
}

/** The clients with the same e-mail address or phone number as the values of a new one. */
export function duplicatesOf({ email, phone }, clients) {
  const digits = (text) => (text ?? "").replace(/\D/g, "").replace(/^0+/, "");
  const isPhone = (a, b) => Math.min(a.length, b.length) >= 7 && (a.endsWith(b) || b.endsWith(a));
  return clients.filter((client) => (email && client.email?.toLowerCase() === email.toLowerCase())
    || isPhone(digits(phone), digits(client.phone)));
}

// --- merging changes
/** Whether two values are the same JSON; absent is null, and the order of members does not count. */
export const same = (a, b) => canonical(a) === canonical(b);
const canonical = (value) => JSON.stringify(value ?? null, (_, part) => {
  if (part === null || typeof part !== "object" || Array.isArray(part)) return part;
  const names = Object.keys(part).filter((name) => part[name] !== null).sort();
  return Object.fromEntries(names.map((name) => [name, part[name]]));
});

/** The values that differ between three states of a client: [{path, field, base, mine, theirs, kind}]. A group has
 *  one for each of its members. ``kind`` says who changed it: "mine", "theirs", "same" (both, alike) or "conflict". */
export function merge(fields, ...states) {
  return fields.flatMap((field) => {
    const values = states.map((state) => valueOf(state, field.name));
    if (field.kind === "group") {
      return merge([...field.fields, ...unknownFields(field, ...values)], ...values)
        .map((row) => ({ ...row, path: [field.name, ...row.path] }));
    }
    const [base, mine, theirs] = values;
    const [byMe, byThem] = [!same(base, mine), !same(base, theirs)];
    if (!byMe && !byThem) return [];
    const kind = !byThem ? "mine" : !byMe ? "theirs" : same(mine, theirs) ? "same" : "conflict";
    return [{ path: [field.name], field, base, mine, theirs, kind }];
  });
}

/** The client with both persons' changes; ``choices`` has "mine" or "theirs" for each conflict, by path. */
export function combine(theirs, rows, choices) {
  const result = structuredClone(theirs);
  for (const { path, mine, kind } of rows) {
    if (kind !== "mine" && !(kind === "conflict" && choices[path.join(".")] === "mine")) continue;
    const [name, member] = path;
    if (member === undefined) result[name] = mine;
    else if (mine === null) delete result[name][member];
    else result[name] = { ...result[name], [member]: mine };
  }
  return result;
}

/** The body of an update: the fields that differ. */
export const changes = (fields, base, values) =>
  Object.fromEntries(fields.map(({ name }) => [name, values[name]]).filter(([name, mine]) => !same(base[name], mine)));
