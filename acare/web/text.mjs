/** All English text of the page. Functions take the values that a sentence contains. */
export const TEXT = {
  // signing in, the frame
  title: "Clients", api: "API", skip: "Skip to content", back: "← All clients", signIn: "Sign in", signOut: "Sign out",
  key: "Your key or invitation link", shared: "This is a shared computer", sharedHint: "You are signed out when you close this tab.",
  signInHint: "The person who runs this service in your agency gives it to you.",
  wrongKey: "This key is not valid. Ask for a new one.", wrongLink: "The key in the link is not valid.",
  expired: "Your key is no longer valid. Sign in again to continue. What you typed is kept.",
  tryAgain: "Try again without a key", signInAs: (email) => `Sign in as ${email}`, stayAs: (email) => `Stay ${email}`,
  otherTitle: "Sign in as someone else?",
  otherHint: (mine, theirs) => `You are signed in as ${mine}. The link that you opened signs you in as ${theirs}.`,
  // the list
  search: "Search", searchHint: "Name, e-mail or phone", perPage: "Per page", all: "All", clear: "Clear filters",
  filters: (count) => (count ? `Filters (${count})` : "Filters"), create: "New client",
  total: (clients, shown) => `${shown} ${clients === 1 ? "client" : "clients"}`,
  pageOf: (page, pages) => `Page ${page} of ${pages}`, pages: "Pages", previous: "Previous", next: "Next",
  jump: "Go to page", go: "Go", pageNumber: (page) => `Page ${page}`,
  none: "No clients yet", noneHint: "Clients that you add appear here.", firstPage: "Go to the first page",
  noMatch: "No clients found", noMatchHint: "Check the spelling, or clear the filters.",
  pastEnd: "This page is empty", pastEndHint: "The list is shorter than it was.",
  range: { both: (low, high) => `${low} – ${high}`, low: (low) => `from ${low}`, high: (high) => `up to ${high}` },
  stillFiltered: (filters) => `The list shows ${filters}.`, quoted: (text) => `“${text}”`,
  // lists to hand out
  download: "Download CSV", print: "Print", allClients: "All clients", firstOf: (rows, all) => `The first ${rows} of ${all}.`,
  // people and their keys
  people: "People", myKeys: "My keys", role: "Role", addPerson: "Add a colleague", newLink: "New invitation link", handOver: "Hand over clients",
  disabledPerson: (email) => `${email} (disabled)`, disabledHint: "Disabled: cannot sign in. The clients stay.",
  linkTitle: (email) => `Invitation for ${email}`, copyLink: "Copy the link", linkCopied: "Copied.", close: "Close",
  newLinkHint: "The link signs in as this person. Earlier links stay valid.",
  linkHint: "Send this link to this person alone: it signs in as them. It is shown only now.",
  noClients: (email) => `${email} has no clients.`, newOwner: "New owner",
  handOverTitle: (clients, from) => `Hand over ${clients} of ${from}`,
  handedOver: (from, to) => `The clients of ${from} now belong to ${to}.`,
  namelessKey: "Key", thisKey: "You use this key", revoke: "Revoke", keyRevoked: "The key was revoked.",
  revokeTitle: (name) => `Revoke the key “${name}”?`, revokeHint: "What uses this key is signed out at once.",
  revokeMine: "You use this key now: you are signed out at once, and need another one.",
  keyFacts: {
    created_at: (time) => `Created ${time}`, last_used_at: (time) => (time ? `Last used ${time}` : "Never used"),
    expires_at: (time) => time && `Expires ${time}`,
  },
  addedOnly: (email, problem) => `${email} was added, without a link. ${problem}`,
  otherKey: "The person who runs this service can give you a key that allows it.",
  // a client and its form
  about: "About this record", edit: "Edit", editing: (name) => `Edit ${name}`, save: "Save", saving: "Saving…", discard: "Discard changes",
  saved: "Saved.", created: "Created.", draft: "You have unsaved changes.", yes: "Yes", no: "No", unset: "–",
  draftKept: (name) => `Your changes to ${name} are not saved. They are kept as a draft in this tab.`, resume: "Continue",
  aNewClient: "the new client",
  problems: "The client was not saved. Correct the marked fields.", required: "required", entry: (number) => `entry ${number}`, choose: "Choose…",
  addItem: "Type and press Enter", removeItem: (item) => `Remove ${item}`, remove: "Delete", cancel: "Cancel",
  detail: "Another detail", detailName: "Name of the detail", detailValue: "Value", addDetail: "Add a detail",
  removeTitle: (name) => `Delete ${name}?`, removeHint: "This deletes the client for everyone.",
  removeStale: "Not deleted: someone changed this client after you opened it. Check it before you delete it.",
  removed: (name) => `${name} was deleted.`, recreate: "Create it again with your entries",
  notFound: "Client not found", gone: "It was deleted, or it now belongs to someone else.",
  reused: "An earlier attempt may have created this client. Look at the list before you save again.",
  tooLarge: "is too long. Shorten it", ambiguous: (text) => `“${text}” can be read in two ways. Which one do you mean?`,
  existsTitle: "This client may exist already", open: (name) => `Open ${name}`, createAnyway: "Create anyway",
  existsHint: "A client with the same e-mail or phone number is in the list:", blankName: "needs a name for each detail",
  // a conflict
  conflict: "Someone else changed this client", field: "Field", before: "Before", mine: "You", theirs: "Other person",
  conflictHint: (time) => `was saved by someone else while you were editing (${time}). No changes are lost.`,
  mergeHint: "You changed different fields, so both changes can be kept.", saveBoth: "Save both changes",
  chooseHint: "For each field that both of you changed, choose the value to keep.", saveChoice: "Save these choices",
  unchangedBy: "not changed", keep: { mine: "your value", theirs: "their value" }, backToForm: "Back to the form",
  // limits and failures
  remaining: (left, time) => `${left} ${left === "1" ? "request" : "requests"} left. The limit resets in ${time}.`,
  waits: {
    limit: "Too many requests.", server: "The server is not responding.", busy: "The server is busy.",
    offline: "You are offline.",
  },
  retrying: (time) => `Retrying in ${time}.`, stop: "Stop", stopped: "Stopped. What you typed is kept.",
  failed: "That did not work", reload: "Try again", reference: (id) => `Reference for your administrator: ${id}`,
  // for programmers
  apiHint: "Programs can make the same calls as this page. Replace YOUR_API_KEY and CLIENT_ID.",
  document: "OpenAPI document", copy: "Copy", copied: "Copied.",
  /** Placeholders of fields whose label does not say enough. */
  hints: { source: "Referral, website…", pre_approval_amount: "As confirmed by the lender" },
  groups: { contact: "Contact", search: "Search profile", money: "Money", notes: "Notes" },
  labels: {
    first_name: "First name", last_name: "Last name", name: "Name", email: "E-mail", phone: "Phone",
    client_type: "Type", status: "Status", budget: "Budget", budget_min: "Minimum budget", budget_max: "Maximum budget",
    preferred_locations: "Preferred locations", property_preferences: "Property", bedrooms_min: "Minimum bedrooms",
    bathrooms_min: "Minimum bathrooms", square_feet_min: "Minimum square feet", property_types: "Property types",
    pre_approved: "Pre-approved", pre_approval_amount: "Pre-approved amount", user_id: "Owner", id: "ID",
    created_at: "Created", updated_at: "Changed", tags: "Tags", notes: "Notes",
  },
};

/** A member of a record, or null; a client may have a member "constructor". */
export const valueOf = (record, name) => (Object.hasOwn(record ?? {}, name) ? record[name] : null);
/** The label of a field or the word for a value; names that TEXT does not have become readable. */
export const label = (name) =>
  valueOf(TEXT.labels, name) ?? (name.charAt(0).toUpperCase() + name.slice(1)).replaceAll("_", " ");
