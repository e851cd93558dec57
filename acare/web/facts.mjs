// The values of a client as a person reads them.

import { TEXT, label } from "./text.mjs";
import { inputText, same } from "./record.mjs";
import { showMoney, showNumber } from "./values.mjs";
import { badge, currency, el, mail, phone, value } from "./dom.mjs";
import { owner } from "./requests.mjs";

const LINKS = { email: mail, phone };
export const isUnset = (given) => given === null || given === "" || same(given, []) || same(given, {});

/** A value as a person reads it. */
export function shown(field, given, links = true) {
  if (isUnset(given)) return el("span.unset", TEXT.unset);
  if (links && Object.hasOwn(LINKS, field.name)) return LINKS[field.name](given);
  if (field.kind === "choice") return badge(given);
  if (field.kind === "user") return value(owner(given));
  if (typeof given === "boolean") return given ? TEXT.yes : TEXT.no;
  if (typeof given === "number") return field.kind === "money" ? showMoney(given, currency) : showNumber(given);
  if (field.kind === "list") return el("ul.tags", given.map((item) => el("li", value(item))));
  const isJson = field.kind === undefined && typeof given === "object"; // a detail
  return Object.assign(value(isJson ? JSON.stringify(given) : inputText(given)), { className: field.kind ?? "" });
}

/** The facts that are known, since blanks and the default of a flag would hide them; each detail is one. */
export const facts = (fields, client) => fields.flatMap((field) => {
  const given = client[field.name];
  if (field.kind !== "details") return isUnset(given) || given === false ? [] : [fact(field, given)];
  return Object.entries(given).map(([name, detail]) => fact({ label: label(name) }, detail));
});
const fact = (field, given) =>
  el("div", { class: field.kind }, el("dt", value(field.label)), el("dd", shown(field, given)));
