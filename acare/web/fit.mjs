// Buyers for a property: how well they fit, and what they want. Independent of the document, so that
// Node can test it.

import { amountIn, isUnset, label, PROPERTY, showNumber } from "./values.mjs";
import { flatten, phrase } from "./record.mjs";

/** The fields that state what a buyer wants of a property. */
const STATED = {
	price: ["budget_min", "budget_max"],
	location: ["preferred_locations"],
	property_type: ["property_types"],
	bedrooms: ["bedrooms_min"],
	bathrooms: ["bathrooms_min"],
	square_feet: ["square_feet_min"],
};
/** The criteria that are given of a property. */
export const givenOf = (property) => PROPERTY.filter((name) => property[name]);

/** How many of the given criteria a buyer has stated. These are met, since the API finds no other
 *  buyers. */
export function fitOf(buyer, property) {
	const values = flatten(buyer);
	const isStated = (name) => STATED[name].some((field) => !isUnset(values[field]));
	return givenOf(property).filter(isStated).length;
}

/** Whether a buyer is pre-approved for the price, or for an amount that is not known. */
export const isApproved = ({ pre_approved: is, pre_approval_amount: amount }, { price }) =>
	is && (amount === null || !price || amount >= amountIn(price));

/** The buyers, best fit first, then those pre-approved for the price, then the latest change. */
export function ranked(buyers, property) {
	const rows = buyers.map((buyer) => ({
		buyer,
		fit: fitOf(buyer, property),
		approved: Number(isApproved(buyer, property)),
	}));
	const latest = (a, b) => b.buyer.updated_at.localeCompare(a.buyer.updated_at);
	rows.sort((a, b) => b.fit - a.fit || b.approved - a.approved || latest(a, b));
	return rows.map(({ buyer }) => buyer);
}

/** Whether a place that a buyer prefers is a location: one has all words of the other in a row. */
export function isPlace(place, location) {
	const [a, b] = [place, location].map((text) => ` ${phrase(text)} `);
	return a.includes(b) || b.includes(a);
}

const WANTS = [
	["property_types", "type", (types) => label(types.join(", "))],
	["bedrooms_min", "bedrooms", (number) => `${showNumber(number)}+ bed`],
	["bathrooms_min", "baths", (number) => `${showNumber(number)}+ bath`],
	["square_feet_min", "size", (number) => `${showNumber(number)}+ sq ft`],
];
/** What a buyer wants besides budget and place, in parts: {text, isOpen}. What is open suits every
 *  property. */
export function wantsOf(buyer) {
	const values = flatten(buyer);
	const parts = [];
	for (const [name, noun, show] of WANTS) {
		const last = parts.at(-1);
		if (!isUnset(values[name])) parts.push({ text: show(values[name]) });
		else if (last?.open) last.open.push(noun);
		else parts.push({ open: [noun] });
	}
	const inWords = (nouns) =>
		nouns.length === WANTS.length
			? "anything"
			: `any ${nouns.join(", ").replace(/, ([^,]*)$/, " and $1")}`;
	return parts.map(({ text, open }) => (open ? { text: inWords(open), isOpen: true } : { text }));
}
