// The logic of the page, by Node's own test runner: node --test tests/web/

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  changes, combine, duplicatesOf, fieldsOf, groupsOf, hiddenMatch, merge, questions, readFields, same, spread,
} from "../../acare/web/record.mjs";
import { label } from "../../acare/web/text.mjs";
import {
  explain, isolate, listAddress, pageNumbers, plain, readNumber, readRoute, sentence, showBudget, showMoney, showNumber, showSeconds,
  showTime, writeQuery,
} from "../../acare/web/values.mjs";

const equal = (rows, compute) => rows.forEach(([given, expected]) => assert.deepEqual(compute(...[given].flat(1)), expected, JSON.stringify(given)));

// --- addresses

test("each view has an address", () => {
  const seen = (fragment) => { const { view, id } = readRoute(fragment); return [view, id]; };
  equal([
    ["", ["list", null]], ["#/", ["list", null]], ["#/?q=x", ["list", null]], ["#/new", ["new", null]], ["#/api", ["api", null]],
    ["#/people", ["people", null]],
    ["#/client/abc", ["client", "abc"]], ["#/client/abc/edit", ["edit", "abc"]], ["#/client", ["list", null]], ["#/client/..", ["list", null]], ["#/client/.", ["list", null]], ["#/else/where", ["list", null]],
  ], seen);
});

test("a query survives the address", () => {
  const query = { q: "Zoë & Co?#%", client_type: "buyer", status: "", user_id: "u1", page: "3", limit: "50" };
  assert.deepEqual(readRoute(listAddress(query)).query, query);
});

test("a page that is no number is the first", () => {
  for (const page of ["0", "-1", "x", "1.5", "9999999999"]) assert.equal(readRoute(`#/?page=${page}`).query.page, "1");
});

test("a pager has the first and the last page", () => {
  equal([
    [[1, 1], [1]], [[1, 3], [1, 2, 3]], [[5, 10], [1, null, 4, 5, 6, null, 10]], [[3, 10], [1, 2, 3, 4, null, 10]], [[10, 10], [1, null, 9, 10]],
    [[1, 0], []],
  ], pageNumbers);
});

// --- fields

const DOCUMENT = {
  components: { schemas: {
    Kind: { type: "string", enum: ["a", "b"] },
    Group: { type: "object", properties: { rooms_min: { type: ["number", "null"], description: "Rooms." } } },
    ClientInput: { required: ["first_name"], properties: {
      first_name: { type: "string", maxLength: 100, description: "First name. Must not be blank." },
      notes: { type: ["string", "null"], maxLength: 10000 },
      kind: { anyOf: [{ $ref: "#/components/schemas/Kind" }, { type: "null" }], description: "What; an empty string means null." },
      budget_max: { type: ["number", "null"], description: "Not less than `budget_min`." },
      sure: { type: ["boolean", "null"] }, tags: { type: ["array", "null"] },
      group: { $ref: "#/components/schemas/Group", description: "What it has. At most 9 bytes as JSON." },
    } },
  } },
};

test("the document says what kind of input a field has", () => {
  const fields = fieldsOf(DOCUMENT);
  assert.deepEqual(fields.map(({ name, kind }) => [name, kind]), [
    ["first_name", "text"], ["notes", "lines"], ["kind", "choice"], ["budget_max", "number"], ["sure", "flag"], ["tags", "list"], ["group", "group"],
  ]);
  assert.deepEqual(fields.filter((field) => field.required).map(({ name }) => name), ["first_name"]);
  assert.deepEqual(fields[2].options, ["a", "b"]);
  assert.deepEqual(fields[6].fields.map(({ name, kind }) => [name, kind]), [["rooms_min", "number"]]);
});

test("every field is in a group, also one that is new", () => {
  const groups = Object.fromEntries(groupsOf(fieldsOf(DOCUMENT)).map(([group, fields]) => [group, fields.map(({ name }) => name)]));
  assert.deepEqual(groups, { contact: ["first_name"], search: [], money: ["budget_max"], notes: ["tags", "notes", "kind", "sure", "group"] });
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
const kindOf = (name, kind, more) => ({ name, kind, required: false, fields: [], ...more });
const read = (field, entries, given) => readFields([field], form(entries), { [field.name]: given })[field.name];

test("what was not touched is read as it was given", () => {
  for (const given of [null, "a", "a\r\nb", " spaced "]) {
    assert.equal(read(kindOf("notes", "lines"), [["notes", (given ?? "").replace("\r\n", "\n")]], given), given);
  }
  for (const given of [null, 0, 1234567.5, "much"]) {
    assert.equal(read(kindOf("size", "number"), [["size", showNumber(given)]], given), given);
  }
  for (const given of [null, [], ["a", " b "]]) {
    const tags = (given ?? []).map((item) => ["tags", item]);
    assert.deepEqual(read(kindOf("tags", "list"), [...tags, ["tags+", ""]], given), given);
  }
  for (const given of [null, false]) assert.equal(read(kindOf("sure", "flag"), [], given), given);
});

test("what was typed is read as JSON", () => {
  assert.equal(read(kindOf("name", "text"), [["name", " a "]], "b"), "a");
  assert.equal(read(kindOf("name", "text"), [["name", " "]], "b"), null);
  assert.equal(read(kindOf("name", "text", { required: true }), [["name", ""]], "b"), "");
  assert.equal(read(kindOf("size", "number"), [["size", "much"]], 5), "much");
  assert.equal(read(kindOf("size", "number"), [["size", ""]], 5), null);
  assert.deepEqual(read(kindOf("tags", "list"), [["tags", "a"], ["tags+", " b "]], ["a"]), ["a", "b"]);
  assert.deepEqual(read(kindOf("tags", "list"), [["tags+", ""]], ["a"]), []);
  assert.equal(read(kindOf("sure", "flag"), [["sure", "on"]], null), true);
  assert.equal(read(kindOf("sure", "flag"), [], true), false);
});

const group = kindOf("group", "group", { fields: [kindOf("rooms", "number")] });
/** The inputs for the members of a group that the document does not know. */
const details = (pairs) => pairs.flatMap(([name, text]) => [["group+name", name], ["group+value", text]]);

test("a detail that was not touched stays as it was given", () => {
  const odd = JSON.parse('{"rooms": 1, "pool": true, " x ": "a\\r\\nb", "__proto__": {"a": 1}, "constructor": null, "": "b"}');
  const entries = details([["pool", "true"], [" x ", "a\nb"], ["__proto__", '{"a":1}'], ["constructor", "null"], ["", "b"]]);
  assert.deepEqual(read(group, [["group-rooms", "1"], ...entries], odd), odd);
  assert.equal(read(group, [["group-rooms", ""]], null), null);
  assert.deepEqual(read(group, [["group-rooms", "2"]], null), { rooms: 2 });
});

test("details are changed, added and removed", () => {
  const change = (pairs) => read(group, [["group-rooms", ""], ...details(pairs)], { pool: true, view: "sea", old: 1 });
  assert.deepEqual(change([["pool", "false"], ["view", "7"]]), { pool: false, view: "7" });
  assert.deepEqual(change([["pool", "heated"], [" garden ", " big "], ["", " "]]), { pool: "heated", garden: "big" });
  assert.deepEqual(change([["view", "sea"], ["view", "hill"], ["rooms", "9"]]), { view: "sea", "view (2)": "hill", "rooms (2)": "9" });
});

test("what has two meanings or no name is asked", () => {
  const fields = [kindOf("size", "number"), { ...group, fields: [kindOf("rooms", "number")] }];
  const asked = questions(fields, { size: "500.000", group: { rooms: "1.250", "": "x" } });
  assert.deepEqual(asked.map(({ field, choices }) => [field, choices]), [["size", [500000, 500]], ["group", undefined], ["group-rooms", [1250, 1.25]]]);
  assert.deepEqual(questions(fields, { size: "much", group: null }), []); // the server says what is wrong
});

test("a problem stands at the member that has it", () => {
  const message = "is invalid: rooms must be a number of at least 0";
  assert.deepEqual(spread([{ field: "group", message }, { field: "a", message: "is required" }]), [
    { field: "group-rooms", message: "must be a number of at least 0" }, { field: "a", message: "is required" },
  ]);
});

// --- finding

test("a match outside the columns is named", () => {
  const client = { first_name: "Zoë", last_name: "Lee", email: "zl@example.com", phone: "(661) 555-0142", tags: ["first-time"],
    preferred_locations: ["Łódź Old Town"], notes: "She has two dogs, one cat and a very large garden with old trees" };
  equal([
    [["zoe"], null], [["EXAMPLE"], null], [["555"], null], [["nothing"], null], [["zoe time"], { name: "tags", text: "first-time" }],
    [["lodz"], { name: "preferred_locations", text: "Łódź Old Town" }],
    [["cat"], { name: "notes", text: "… two dogs, one cat and a very large garden …" }],
  ], (search) => hiddenMatch(client, search));
});

test("the same e-mail or phone number is a duplicate", () => {
  const clients = [{ id: 1, email: "A@x.y", phone: null }, { id: 2, email: null, phone: "+1 661 555 0142" }, { id: 3, email: "b@x.y", phone: "142" }];
  const ids = (values) => duplicatesOf(values, clients).map(({ id }) => id);
  assert.deepEqual(ids({ email: "a@X.y", phone: "(661) 555-0142" }), [1, 2]);
  assert.deepEqual(ids({ email: null, phone: "142" }), []); // too short to be one number
  assert.deepEqual(ids({}), []);
});

// --- merging

const FIELDS = [{ name: "name", kind: "text" }, { name: "tags", kind: "list" }, { name: "group", kind: "group", fields: [{ name: "rooms" }] }];
const kinds = (base, mine, theirs) => Object.fromEntries(merge(FIELDS, base, mine, theirs).map(({ path, kind }) => [path.join("."), kind]));
const BASE = { name: "a", tags: ["x"], group: { rooms: 1, pool: true }, version: 1 };

test("values are the same whatever the order of their members", () => {
  equal([
    [[{ a: 1, b: [2] }, { b: [2], a: 1 }], true], [[{ a: null }, {}], true], [[null, undefined], true], [[1, "1"], false],
    [[["a", "b"], ["b", "a"]], false], [["", null], false], [[0, null], false], [[false, null], false],
  ], (a, b) => same(a, b));
});

test("each difference says whose it is", () => {
  assert.deepEqual(kinds(BASE, { ...BASE, name: "b" }, { ...BASE, tags: [] }), { name: "mine", tags: "theirs" });
  assert.deepEqual(kinds(BASE, { ...BASE, name: "b" }, { ...BASE, name: "c" }), { name: "conflict" });
  assert.deepEqual(kinds(BASE, { ...BASE, name: "b" }, { ...BASE, name: "b" }), { name: "same" });
});

test("members of a group are merged one by one", () => {
  const mine = { ...BASE, group: { rooms: 2, pool: true } };
  const theirs = { ...BASE, group: { rooms: 1, pool: false, yard: 3 } };
  const rows = merge(FIELDS, BASE, mine, theirs);
  assert.deepEqual(Object.fromEntries(rows.map(({ path, kind }) => [path.join("."), kind])), { "group.rooms": "mine", "group.pool": "theirs", "group.yard": "theirs" });
  assert.deepEqual(combine(theirs, rows, {}).group, { rooms: 2, pool: false, yard: 3 });
});

test("a member may have the name of what every object has", () => {
  const with_ = (members) => ({ ...BASE, group: JSON.parse(members) });
  for (const name of ["__proto__", "constructor", "toString"]) {
    const [mine, theirs] = [with_(`{"rooms": 5, "${name}": "x"}`), with_('{"rooms": 1, "pool": false}')];
    const rows = merge(FIELDS, with_('{"rooms": 1}'), mine, theirs);
    assert.deepEqual(rows.map(({ path, base, kind }) => [path[1], base, kind]), [
      ["rooms", 1, "mine"], [name, null, "mine"], ["pool", null, "theirs"],
    ]);
    assert.deepEqual(combine(theirs, rows, {}).group, JSON.parse(`{"rooms": 5, "pool": false, "${name}": "x"}`));
    assert.equal(typeof label(name), "string");
  }
});

test("a member that one person removed stays removed", () => {
  const mine = { ...BASE, group: { pool: true } };
  const theirs = { ...BASE, name: "b" };
  assert.deepEqual(combine(theirs, merge(FIELDS, BASE, mine, theirs), {}), { ...BASE, name: "b", group: { pool: true } });
});

test("whatever two people change, both changes are there or in conflict", () => {
  const values = ["a", "b", null];
  for (const base of values) for (const mine of values) for (const theirs of values) {
    const rows = merge([FIELDS[0]], { name: base }, { name: mine }, { name: theirs });
    const { name } = combine({ name: theirs }, rows, { name: "mine" });
    assert.equal(name, mine === base ? theirs : mine);
    assert.equal(rows.some(({ kind }) => kind === "conflict"), mine !== base && theirs !== base && mine !== theirs);
  }
});

test("an update sends the fields that differ", () => assert.deepEqual(changes(FIELDS, BASE, { ...BASE, name: "b", group: { pool: true, rooms: 1 } }), { name: "b" }));

// --- numbers and times

test("numbers are read as the reader writes them", () => {
  equal([
    [["350,000.50", "en-US"], 350000.5], [["350.000,5", "de"], 350000.5], [["3,50,000", "en-IN"], 350000], [["350.5", "de"], 350.5],
    [["350.500", "de"], 350500], [["350 000,5", "fr"], 350000.5], [["350\u202f000", "fr"], 350000], [["1’000", "de-CH"], 1000],
    [[" 475000 ", "en-US"], 475000], [["", "en-US"], null], [[" ", "en-US"], null], [["abc", "en-US"], "abc"], [["-1", "en-US"], "-1"],
    [["$500,000", "en-US"], 500000], [["500 €", "de"], 500], [["1.500.000", "en-US"], 1500000], [["350.000,50", "en-US"], 350000.5],
    [["500.000", "en-US"], "500.000"], [["500,000", "de"], "500,000"], [["500.000", "de"], 500000], [["500,000", "en-US"], 500000],
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
  equal([[[1500, "EUR", "en-US"], "€1,500"], [[1500.5, "USD", "en-US"], "$1,500.50"], [[1500, undefined, "en-US"], "1,500"]], showMoney);
  assert.equal(showBudget({ budget_min: 1, budget_max: null }, "EUR", "en-US"), "from €1");
});

test("a time is in the reader's zone", () => {
  const now = new Date("2026-07-15T22:00:00Z");
  const at = (timeZone, long) => showTime("2026-07-15T02:30:00.000Z", { locale: "en-GB", timeZone, now, long });
  assert.equal(at("UTC"), "02:30");
  assert.equal(at("America/Los_Angeles"), "14 Jul 2026"); // yesterday there
  assert.match(at("Asia/Tokyo", true), /15 Jul 2026.*11:30/);
});

test("seconds count down as minutes", () => equal([[[0], "0:00"], [[59], "0:59"], [[61], "1:01"], [[900], "15:00"]], showSeconds));

test("isolated text cannot turn what is around it", () => assert.equal(isolate("a\u202eb\u2069c"), "\u2068abc\u2069"));
