// The logic of the page, by Node's own test runner: node --test tests/web/

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import {
  changes, combine, jobsFor, joinClients, joinNotes, merge, mergedValues, secondsFor, undoing,
} from "../../acare/web/changes.mjs";
import { fitOf, isApproved, isPlace, ranked, wantsOf } from "../../acare/web/fit.mjs";
import {
  FIELDS, flatten, hiddenMatch, inputText, isAddition, nest, numbersIn, problemsOf, readFields, readList, typedFields, vcard,
} from "../../acare/web/record.mjs";
import {
  amountIn, apiQuery, dueIn, dueText, explain, isolate, label, listAddress, offered, plain, readNumber, readRoute, same,
  sentence, shortBudget, showBudget, showNumber, showTime, sizeIn, withDue,
} from "../../acare/web/values.mjs";

const equal = (rows, compute) => rows.forEach(([given, expected]) => assert.deepEqual(compute(...[given].flat(1)), expected, JSON.stringify(given)));

// --- addresses

test("each view has an address", () => {
  const seen = (fragment) => { const { view, id } = readRoute(fragment); return [view, id]; };
  equal([
    ["", ["list", null]], ["#/", ["list", null]], ["#/?q=x", ["list", null]], ["#/new", ["new", null]], ["#/api", ["list", null]],
    ["#/people", ["people", null]], ["#/client/abc/merge/def", ["merge", "abc"]],
    ["#/client/abc", ["client", "abc"]], ["#/client/abc/edit", ["edit", "abc"]], ["#/client", ["list", null]], ["#/client/..", ["list", null]], ["#/client/.", ["list", null]], ["#/else/where", ["list", null]],
  ], seen);
});

test("a query survives the address", () => {
  const query = { q: "Zoë & Co?#%", client_type: "buyer", status: "", user_id: "u1", deleted: "true", sort: "name", price: "450k", location: "", property_type: "", bedrooms: "", bathrooms: "", square_feet: "", tag: "first-time", page: "3" };
  assert.deepEqual(readRoute(listAddress(query)).query, query);
});

test("an invalid page number means the first page", () => {
  for (const page of ["0", "-1", "x", "1.5", "9999999999"]) assert.equal(readRoute(`#/?page=${page}`).query.page, "1");
});

test("nine words are searched by the first eight", () => {
  assert.equal(apiQuery({ q: " a b  c d e f g h i ", page: "2" }), "q=a+b+c+d+e+f+g+h&page=2");
});

test("a follow-up is late, near, or a date", () => {
  const text = (date) => dueText(date, "2026-12-03", "en-US");
  equal([
    ["2025-12-03", "Dec 3, 2025"], ["2026-08-25", "Aug 25"], ["2026-08-26", "99 days late"], ["2026-12-02", "1 day late"], ["2026-12-03", "Today"], ["2026-12-04", "Tomorrow"],
    ["2026-12-07", "Mon, Dec 7"], ["2026-12-09", "Wed, Dec 9"], ["2026-12-10", "Dec 10"], ["2027-01-11", "Jan 11, 2027"],
  ], text);
});

test("a budget in a list is short", () => {
  equal([
    [{ budget_min: 350_000, budget_max: 500_000 }, "350K – 500K"], [{ budget_min: null, budget_max: 1_250_000 }, "up to 1.25M"],
    [{ budget_min: 999.5, budget_max: null }, "from 999.5"], [{ budget_min: null, budget_max: null }, ""],
  ], (client) => shortBudget(client, "en-US"));
});

test("a size is read in square feet or metres", () => {
  equal([["1,650 sq ft", 1650], ["1650", 1650], ["120 m²", 1292], ["120m2", 1292], ["large", NaN], ["", NaN]], (text) => sizeIn(text, "en-US"));
  assert.equal(apiQuery({ q: "", square_feet: "100 sqm" }), "square_feet=1076");
});

// --- buyers for a property

const buyer = (given) => ({
  budget_min: null, budget_max: null, preferred_locations: [], property_preferences: {}, pre_approved: false, pre_approval_amount: null, updated_at: "2026-01-01", ...given,
});
const HOUSE = { price: "500k", location: "Rosedale", property_type: "house", bedrooms: "3" };

test("a buyer fits by the criteria that the buyer has stated", () => {
  const given = { budget_max: 600_000, preferred_locations: ["Rosedale"], property_preferences: { bedrooms_min: 0, property_types: [] } };
  assert.equal(fitOf(buyer(given), HOUSE), 3);
  assert.equal(fitOf(buyer(given), { ...HOUSE, location: "" }), 2);
});

test("buyers are ranked by fit, approval and latest change", () => {
  const rows = [
    ["old", {}], ["new", { updated_at: "2026-02-01" }], ["too little", { pre_approved: true, pre_approval_amount: 400_000 }],
    ["approved", { pre_approved: true, pre_approval_amount: 500_000 }], ["fit", { budget_max: 600_000 }],
  ].map(([id, given]) => buyer({ id, ...given }));
  assert.deepEqual(ranked(rows, HOUSE).map(({ id }) => id), ["fit", "approved", "new", "old", "too little"]);
});

test("a pre-approval without an amount, or for no given price, counts", () => {
  assert.equal(isApproved(buyer({ pre_approved: true }), HOUSE), true);
  assert.equal(isApproved(buyer({ pre_approval_amount: 900_000 }), HOUSE), false);
  assert.equal(isApproved(buyer({ pre_approved: true, pre_approval_amount: 1 }), { price: "" }), true);
});

test("a place is compared by whole words", () => {
  equal([
    [["Rosedale Highway", "rosedale"], true], [["Bakersfield", "Bakersfield, CA"], true], [["São Paulo", "sao paulo"], true], [["Rosedale", "Rose"], false],
  ], isPlace);
});

test("what a buyer has left open is any", () => {
  const words = (preferences) => wantsOf(buyer({ property_preferences: preferences })).map(({ text, isOpen }) => (isOpen ? `(${text})` : text)).join(" · ");
  equal([
    [{}, "(anything)"], [{ bedrooms_min: 3 }, "(any type) · 3+ bed · (any baths and size)"],
    [{ property_types: ["single_family"], bathrooms_min: 1, square_feet_min: 1200 }, "Single family · (any bedrooms) · 1+ bath · 1,200+ sq ft"],
  ], words);
});

test("a studio, which has no bedrooms, is a property", () => {
  assert.equal(apiQuery({ q: "", bedrooms: "0", price: "  " }), "bedrooms=0");
});

// --- fields

test("a client survives being flattened", () => {
  for (const preferences of [{}, { bedrooms_min: 2, pool: true }, JSON.parse('{"property_types": [], "__proto__": {"a": 1}, "constructor": null}')]) {
    const client = { first_name: "Zoë", property_preferences: preferences };
    assert.deepEqual(nest(flatten(client)), client);
  }
});

test("names become words", () => {
  equal([["first_name", "First name"], ["pool_size", "Pool size"], ["buyer", "Buyer"]], label);
  assert.equal(explain({ status: 400, message: "Invalid", problems: [{ field: "email", message: "is required" }] }), "E-mail is required.");
  assert.equal(plain("must not be more than budget_max"), "must not be more than Maximum budget");
  assert.equal(plain("must be a number from 0 to 1000000000000", "en-US"), "must be a number from 0 to 1,000,000,000,000");
  assert.equal(sentence({ field: "tags", message: "is invalid: [0] must have at most 50 characters" }),
    "Tags: entry 1 must have at most 50 characters.");
});

// --- forms

const form = (entries) => {
  const data = new FormData();
  for (const [name, value] of entries) data.append(name, value);
  return data;
};
/** The value of one field, read from a form that shows another client with this text in it. */
const read = (name, text, given) => {
  const values = { ...Object.fromEntries(FIELDS.map((field) => [field.name, null])), [name]: given };
  return readFields(form(FIELDS.map((field) => [field.name, field.name === name ? text : ""])), values)[name];
};

test("what was not touched is read as it was given", () => {
  for (const [name, values] of Object.entries({
    notes: [null, "a", "a\r\nb", " spaced "], budget_min: [null, 0, 1234567.5, "much"], tags: [null, [], ["a", " b "]],
  })) for (const given of values) assert.deepEqual(read(name, inputText(given).replaceAll("\r\n", "\n"), given), given);
});

test("what was typed is read as JSON", () => {
  equal([
    [["source", " a ", "b"], "a"], [["source", " ", "b"], null], [["first_name", "", "b"], ""], [["budget_min", "much", 5], "much"],
    [["budget_min", "", 5], null], [["tags", "a,, b ", null], ["a", "b"]], [["budget_min", "450k", null], 450000], [["bedrooms_min", "450k", null], "450k"], [["tags", "", ["a"]], []],
  ], read);
  const flag = (entries, given) => readFields(form([...FIELDS.map(({ name }) => [name, ""]).filter(([name]) => name !== "pre_approved"),
    ...entries]), { pre_approved: given }).pre_approved;
  equal([[[[["pre_approved", "on"]], null], true], [[[], true], false], [[[], false], false], [[[], null], null]], (entries, given) => flag(entries, given));
});

test("a list is read back as it was shown", () => {
  equal([
    [["a, b,c"], ["a", "b", "c"]], [['"a, b", c"d'], ["a, b", 'c"d']], [["Bakersfield, CA, Tehachapi"], ["Bakersfield", "CA", "Tehachapi"]],
    [["Bakersfield, CA, Tehachapi", "preferred_locations"], ["Bakersfield, CA", "Tehachapi"]], [[" , "], []],
  ], readList);
  const odd = ["x, y", 'p"q', '"z', " s ", "", "CA", "a, CA"];
  for (const name of ["tags", "preferred_locations"]) assert.deepEqual(readList(inputText(odd, name), name), odd);
});

test("a letter or a fraction makes an amount of a short number", () => {
  equal([["450k", 450000], ["$1.2M", 1200000], ["4.35m", 4350000], ["1.5", 1500000], ["12", 12], ["k", NaN], ["1,500.50", 1500.5]],
    (text) => amountIn(text, "en-US"));
});

test("all problems are told together, each at its field", () => {
  const member = { field: "property_preferences", message: "is invalid: bedrooms_min must be a number of at least 0" };
  const told = problemsOf([member, { field: "tags", message: "is required" }], { budget_min: 2, budget_max: 1 });
  assert.deepEqual(Object.entries(told).map(([name, { text }]) => [name, text]), [
    ["budget_min", "Minimum budget must not be more than Maximum budget."], ["tags", "Tags is required."],
    ["bedrooms_min", "Bedrooms at least must be a number of at least 0."],
  ]);
  assert.deepEqual(problemsOf([], { budget_min: 2, budget_max: null }), {});
});

// --- finding

test("a search that found nothing begins a new client", () => {
  equal([
    ["zoe o'brien lee", { first_name: "Zoe", last_name: "O'Brien Lee" }], ["McKay", { first_name: "McKay", last_name: "" }],
    ["a@b.co", { email: "a@b.co" }], ["(661) 555", { phone: "(661) 555" }], [" ", {}],
    ["Jane Doe 0170 5551234", { first_name: "Jane", last_name: "Doe", phone: "0170 5551234" }],
    ["ana ray a@b.co", { first_name: "Ana", last_name: "Ray", email: "a@b.co" }],
  ], typedFields);
});

test("a match outside the columns is named", () => {
  const client = { first_name: "Zoë", last_name: "Lee", email: "zl@example.com", phone: "(661) 555-0142", tags: ["first-time"],
    preferred_locations: ["Łódź Old Town"], notes: "She has two dogs, one cat and a very large garden with old trees" };
  equal([
    [["zoe"], null], [["555"], null], [["nothing"], null], [["EXAMPLE"], { name: "email", text: "zl@example.com" }], [["zoe time"], { name: "tags", text: "first-time" }],
    [["lodz"], { name: "preferred_locations", text: "Łódź Old Town" }],
    [["cat"], { name: "notes", text: "She has two dogs, one cat and a very large garden with old trees" }],
    [["trees"], { name: "notes", text: "… a very large garden with old trees" }],
  ], (search) => hiddenMatch(client, search));
});

// --- merging

const kinds = (...states) => Object.fromEntries(merge(...states).map(({ field, kind }) => [field.name, kind]));
const BASE = flatten({ source: "a", tags: ["x"], property_preferences: { bedrooms_min: 1, pool: true }, version: 1 });

test("values are the same whatever the order of their members", () => {
  equal([
    [[{ a: 1, b: [2] }, { b: [2], a: 1 }], true], [[{ a: null }, {}], true], [[null, undefined], true], [[1, "1"], false],
    [[["a", "b"], ["b", "a"]], false], [["", null], false], [[0, null], false], [[false, null], false],
  ], (a, b) => same(a, b));
});

test("each difference says whose it is", () => {
  assert.deepEqual(kinds(BASE, { ...BASE, source: "b" }, { ...BASE, tags: [] }), { source: "mine", tags: "theirs" });
  assert.deepEqual(kinds(BASE, { ...BASE, source: "b" }, { ...BASE, source: "c" }), { source: "conflict" });
  assert.deepEqual(kinds(BASE, { ...BASE, source: "b" }, { ...BASE, source: "b" }), {}); // both did the same
});

test("members of a group are merged one by one", () => {
  const mine = { ...BASE, bedrooms_min: null };
  const theirs = { ...BASE, bathrooms_min: 2, "detail:pool": false };
  const merged = combine(theirs, merge(BASE, mine, theirs));
  assert.deepEqual(changes(theirs, merged), { property_preferences: { bathrooms_min: 2, pool: false } });
});

test("whatever two people change, both changes are there or in conflict", () => {
  const values = ["a", "b", null];
  for (const base of values) for (const mine of values) for (const theirs of values) {
    const rows = merge(...[base, mine, theirs].map((source) => ({ ...BASE, source })));
    const { source } = combine({ ...BASE, source: theirs }, rows);
    assert.equal(source, mine === base ? theirs : mine);
    assert.equal(rows.some(({ kind }) => kind === "conflict"), mine !== base && theirs !== base && mine !== theirs);
  }
});

test("an update sends the fields that differ", () => assert.deepEqual(changes(BASE, { ...BASE, source: "b", "detail:pool": true }), { source: "b" }));

test("two changes of one detail are in conflict, of two are not", () => {
  const [mine, theirs] = [{ ...BASE, "detail:pool": 1, "detail:lift": 1 }, { ...BASE, "detail:pool": 2, "detail:oven": 1 }];
  assert.deepEqual(kinds(BASE, mine, theirs), { "detail:pool": "conflict", "detail:lift": "mine", "detail:oven": "theirs" });
});

// --- numbers and times

test("numbers are read as the reader writes them", () => {
  equal([
    [["350,000.50", "en-US"], 350000.5], [["350.000,5", "de"], 350000.5], [["3,50,000", "en-IN"], 350000], [["350.5", "de"], 350.5],
    [["350.500", "de"], 350500], [["350 000,5", "fr"], 350000.5], [["350\u202f000", "fr"], 350000], [["1’000", "de-CH"], 1000],
    [[" 475000 ", "en-US"], 475000], [["", "en-US"], null], [[" ", "en-US"], null], [["abc", "en-US"], "abc"], [["-1", "en-US"], "-1"],
    [["$500,000", "en-US"], 500000], [["500 €", "de"], 500], [["1.500.000", "en-US"], 1500000], [["350.000,50", "en-US"], 350000.5],
    [["500.000", "en-US"], 500000], [["500,000", "de"], 500000], [["500.000", "de"], 500000], [["500,000", "en-US"], 500000],
    [["12,34", "en-US"], "12,34"], [["1e5", "en-US"], "1e5"], [["1.2.3", "de"], "1.2.3"], [["0.5", "en-US"], 0.5],
  ], readNumber);
});

test("a number that is shown is read back as it was", () => {
  for (const locale of ["en-US", "de", "fr", "de-CH", "en-IN", "ar-EG", "fa", "hi", "es", "pl", "sv", "ja", "pt-BR"]) {
    for (const number of [0, 1, 999, 1000, 12345.5, 350000, 1234567.89, 1e12]) assert.equal(readNumber(showNumber(number, locale), locale), number, locale);
  }
});

test("a budget has a text for each of its ends", () => {
  equal([
    [[{ budget_min: 1000, budget_max: 2000 }], "1,000 – 2,000"], [[{ budget_min: 1000, budget_max: null }], "from 1,000"],
    [[{ budget_min: null, budget_max: 2000 }], "up to 2,000"], [[{ budget_min: 5, budget_max: 5 }], "5"], [[{ budget_min: null, budget_max: null }], ""],
    [[{ budget_min: 0, budget_max: 5 }], "0 – 5"],
  ], (client) => showBudget(client, null, "en-US"));
});

test("an amount has the sign of the currency", () => {
  equal([[[1500, "en-US", "EUR"], "€1,500"], [[1500.5, "en-US", "USD"], "$1,500.50"], [[1500, "en-US"], "1,500"]], showNumber);
  assert.equal(showBudget({ budget_min: 1, budget_max: null }, "EUR", "en-US"), "from €1");
});

test("a time is in the reader's zone", () => {
  const at = (timeZone) => showTime("2026-07-15T02:30:00.000Z", { locale: "en-GB", timeZone });
  assert.match(at("America/Los_Angeles"), /14 Jul 2026.*19:30/); // yesterday there
  assert.match(at("Asia/Tokyo"), /15 Jul 2026.*11:30/);
});

test("isolated text cannot turn what is around it", () => assert.equal(isolate("a\u202eb\u2069c"), "\u2068abc\u2069"));

// --- telephones

test("a text has a link for each complete number in it", () => {
  const dials = (text) => numbersIn(text).flatMap(({ dial }) => dial ?? []);
  const fields = JSON.parse(readFileSync(new URL("../support/phones.json", import.meta.url))); // the search's, too
  for (const { field, numbers } of fields) assert.deepEqual(dials(field), numbers, field);
  equal([["+1 661 555 0142 +49 171 2345678", ["+16615550142", "+491712345678"]], ["4711", ["4711"]], ["ask Ben", []]], dials);
  const text = "home 030 1234567; work 040/2081992, not on Fridays";
  assert.equal(numbersIn(text).map((part) => part.text).join(""), text);
});

test("a vCard is escaped and has each number", () => {
  const card = vcard({ id: "1", first_name: "Zoë; x", last_name: "Lee\\", phone: "0171 2345678 / 030 1234567", email: "a@b.co" });
  assert.equal(card.split("\r\n").slice(2).join("|"),
    "UID:urn:uuid:1|FN:Zoë\\; x Lee\\\\|N:Lee\\\\;Zoë\\; x;;;|TEL:01712345678|TEL:0301234567|EMAIL:a@b.co|END:VCARD|");
});

// --- follow-ups

test("a follow-up is a tag with a date, shown as a field of its own", () => {
  const tags = ["due:2026-12-15", "vip", "due:2026-02-30", "due:soon", "due:2026-11-01"];
  assert.equal(dueIn(tags), "2026-11-01");
  assert.deepEqual(withDue(tags, "2027-01-02"), ["vip", "due:2026-02-30", "due:soon", "due:2027-01-02"]);
  const client = { tags: ["vip", "due:2026-12-15"], property_preferences: {} };
  assert.deepEqual([flatten(client).tags, flatten(client).due, nest(flatten(client))], [["vip"], "2026-12-15", client]);
  assert.deepEqual(changes(flatten(client), { ...flatten(client), due: null }), { tags: ["vip"] });
});

test("the dates that are offered are in the reader's calendar", () => {
  const on = (...date) => offered(new Date(...date, 23, 30)).map(([day]) => day);
  assert.deepEqual(on(2026, 11, 31), ["2026-12-31", "2027-01-01", "2027-01-04", "2027-01-07"]);
  assert.equal(on(2026, 10, 30)[2], "2026-12-07"); // a Monday
});

test("the longest unchanged come first", () => {
  assert.equal(apiQuery({ q: "", sort: "unchanged" }), "sort=updated_at&order=asc");
});

// --- many clients at once

test("a change of many clients leaves those alone that have it, and is undone", () => {
  const [ana, ben] = [{ id: "a", tags: ["vip"], status: "active", user_id: "u" }, { id: "b", tags: [], status: "closed", user_id: "v" }];
  const sent = (kind, value) => jobsFor(kind, value, [ana, ben]).map(({ path, body }) => [path, body]);
  assert.deepEqual(sent("add", "vip"), [["v1/clients/b", { tags: ["vip"] }]]);
  assert.deepEqual(sent("remove", "vip"), [["v1/clients/a", { tags: [] }]]);
  assert.deepEqual(sent("status", "closed"), [["v1/clients/a", { status: "closed" }]]);
  assert.deepEqual(sent("owner", "v"), [["v1/clients/a/owner", { user_id: "v" }]]);
  assert.deepEqual(undoing(jobsFor("remove", "vip", [ana])).map(({ body }) => body), [{ tags: ["vip"] }]);
});

test("many requests wait so that the person keeps a reserve of the limit", () => {
  const rate = { limit: 500, remaining: 60, reset: 792, at: 0 }; // a token in 1.8 s
  equal([[[1, null], 0], [[10, rate], 0], [[20, rate], 18], [[100, rate, 0], 162]], (count, given) => secondsFor(count, given, 0));
  assert.equal(secondsFor(20, rate, 10_000), 8); // ten seconds later
});

test("a change that only adds to notes is an addition", () => {
  equal([[["Old.", "New.\n\nOld."], true], [["Old.", "Old.\nMore."], true], [["Old.", "Other."], false], [["Old.", null], false]], isAddition);
});

// --- two that are one

test("notes of two are joined in order of time", () => equal([
  [["2026-03-01 10:00 a: C\n\nmore\n\n2026-01-01 10:00 a: A\n\nOld.", "2026-02-01 10:00 b: B\n\nOld dog."],
    "2026-03-01 10:00 a: C\n\nmore\n\n2026-02-01 10:00 b: B\n\nOld dog.\n\n2026-01-01 10:00 a: A\n\nOld."],
  [["Same.", "Same."], "Same."], [[null, "x"], "x"],
], joinNotes));

test("notes that were joined before are not joined again", () => {
  const [ours, theirs] = ["2026-03-01 10:00 a: C\n\nOld.", "2026-02-01 10:00 b: B\n\nOld.\n\nmore"];
  const once = joinNotes(ours, theirs);
  assert.equal(once, `${ours}\n\n${theirs}`);
  equal([[[once, theirs], once], [[once, `New.\n\n${theirs}`], `${once}\n\nNew.`], [[once, `${theirs}\n\nlast`], `${once}\n\nlast`]], joinNotes);
});

test("a merge fills what is empty, joins lists, keeps the owner and asks for all else that differs", () => {
  const base = { first_name: "Ana", last_name: "Lee", notes: null, budget_min: 100, user_id: "u", status: "inactive", pre_approved: false };
  const mine = flatten({ ...base, phone: "1", email: null, tags: ["a", "due:2026-12-02"], property_preferences: { pool: true, oven: 1 } });
  const theirs = flatten({
    ...base, phone: "2", email: "a@b.co", tags: ["A", "b", "due:2026-12-01"], notes: "x", user_id: "v", status: "active", pre_approved: true,
    property_preferences: { pool: false, garage: 1 },
  });
  const rows = joinClients(mine, theirs, "2026-12-01 10:00 me: Merged");
  const values = mergedValues(rows, mine, theirs);
  assert.deepEqual([values.email, values.notes, values.user_id, values.pre_approved, nest(values).tags, nest(values).property_preferences],
    ["a@b.co", "2026-12-01 10:00 me: Merged\n\nx", "u", true, ["a", "b", "due:2026-12-02"], { pool: true, oven: 1, garage: 1 }]);
  assert.deepEqual(rows.filter(({ kind }) => kind === "different").map(({ field }) => field.label), ["Phone", "Status", "Follow-up", "Pool"]);
});

test("a difference of notation is decided for the fuller one", () => {
  const kept = (name, mine, theirs) => {
    const [one, two] = [mine, theirs].map((given) => ({ first_name: "A", last_name: "B", [name]: given }));
    const { kind, value } = joinClients(one, two, null).find(({ field }) => field.name === (name.endsWith("_name") ? "name" : name));
    return kind === "notation" ? value : kind;
  };
  equal([
    [["first_name", "K.", "Kenji"], "Kenji B"], [["first_name", "Kenji", "k"], "Kenji B"], [["first_name", "Karl", "Kenji"], "different"],
    [["first_name", "zoe", "Zoë"], "Zoë B"], [["first_name", "Ana Maria", "Ana"], "different"],
    [["source", "open  house", "Open house"], "Open house"], [["source", "Open house", "OPEN HOUSE"], "Open house"], [["source", "Fair", "F"], "different"],
    [["email", "a@b.co", "A@b.co"], "a@b.co"], [["email", "a.b@c.de", "ab@c.de"], "different"],
    [["phone", "(661) 555-0116", "+1 661 555 0116"], "(661) 555-0116"], [["phone", "0171 2345678", "+49 (0)171 234-5678"], "0171 2345678"],
    [["phone", "555-0116", "(661) 555-0116"], "different"], [["phone", "0171 2345678", "0171 2345678, office"], "different"],
  ], kept);
});
