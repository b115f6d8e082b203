/** How the live page's modules are checked. */

const js = require("@eslint/js");

const BROWSER = [
  "AbortSignal", "Blob", "IntersectionObserver", "ResizeObserver", "ResizeObserverEntry", "TextDecoder", "URL", "WebSocket",
  "Option", "clearInterval", "clearTimeout", "createImageBitmap", "devicePixelRatio", "document", "fetch",
  "getComputedStyle", "location", "performance", "requestAnimationFrame", "setInterval", "setTimeout", "window",
];

module.exports = [
  js.configs.recommended,
  {
    files: ["**/*.js"],
    languageOptions: { sourceType: "module", globals: Object.fromEntries(BROWSER.map((name) => [name, "readonly"])) },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "complexity": ["error", 8],
      "eqeqeq": "error",
      "max-len": ["error", 120],
      "max-lines-per-function": ["error", 30],
      "no-implicit-globals": "error",
      "no-shadow": "error",
      "no-use-before-define": ["error", { functions: false, variables: false, classes: false }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
];
