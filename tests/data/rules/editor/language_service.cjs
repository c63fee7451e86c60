// Asks VS Code's JSON language service for the diagnostics of a text and the completions at a place in it.
// stdin: {schema, text, offset}; stdout: {diagnostics: [message], completions: [label], hover: text}
const { getLanguageService, TextDocument } = require("vscode-json-languageservice");

const { schema, text, offset } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const uri = "file:///rules/some-rule.json";
const service = getLanguageService({});
service.configure({ validate: true, schemas: [{ uri: "file:///rules/rule.schema.json", fileMatch: ["*.json"], schema }] });
const document = TextDocument.create(uri, "json", 1, text);
const parsed = service.parseJSONDocument(document);
const position = document.positionAt(offset);

(async () => {
  const diagnostics = await service.doValidation(document, parsed);
  const completions = await service.doComplete(document, position, parsed);
  const hover = await service.doHover(document, position, parsed);
  process.stdout.write(JSON.stringify({
    diagnostics: diagnostics.map((diagnostic) => diagnostic.message),
    completions: completions.items.map((item) => item.label),
    hover: hover === null ? "" : hover.contents.map((part) => part.value ?? part).join("\n"),
  }));
})();
