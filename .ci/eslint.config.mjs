// The rules for the web UI and its tests.

import js from "@eslint/js";
import globals from "globals";

export default [
	js.configs.recommended,
	{
		files: ["acare/web/*.mjs"],
		languageOptions: { globals: globals.browser },
		rules: { "max-lines": ["error", 300], "max-lines-per-function": ["error", 40] },
	},
	{ files: ["tests/web/*.mjs"], languageOptions: { globals: globals.node } },
];
