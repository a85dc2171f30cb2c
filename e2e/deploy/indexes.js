// Checks an indexes file as `firebase deploy` does before it asks Firestore, by the code of the Firebase CLI:
//
//   node indexes.js DIRECTORY-OF-FIREBASE-TOOLS FILE
//
// The check itself is plain JavaScript. The packages that the code around it requires are not installed: nothing stands
// in for each of them.
const Module = require("node:module");
const { join } = require("node:path");
const { readFileSync } = require("node:fs");

const nothing = new Proxy(function () {}, { get: (_, key) => (key === Symbol.toPrimitive ? () => "" : nothing), apply: () => nothing, construct: () => nothing });
const load = Module._load;
Module._load = function (request, ...rest) {
  try {
    return load.call(this, request, ...rest);
  } catch (err) {
    if (err.code === "MODULE_NOT_FOUND" && !request.startsWith(".")) return nothing;
    throw err;
  }
};

const [directory, file] = process.argv.slice(2);
const { FirestoreApi } = require(join(directory, "lib/firestore/api.js"));
try {
  Object.create(FirestoreApi.prototype).validateSpec(JSON.parse(readFileSync(file, "utf8")));
} catch (err) {
  console.error(err.message);
  process.exit(1);
}
