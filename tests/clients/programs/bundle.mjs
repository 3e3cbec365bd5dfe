// Makes one module for a page out of a CommonJS package and all that it requires, as a bundler does for an app.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const REQUIRED = /\brequire\("([^"]+)"\)|\brequire\('([^']+)'\)/g;

export function bundle(name) {
  const require = createRequire(import.meta.url);
  const files = new Map();
  const entry = add(require.resolve(name), files);
  return `const files = {
${[...files.values()].join(",\n")}
};
const loaded = {};
function load(path) {
  if (!(path in loaded)) {
    const module = (loaded[path] = { exports: {} });
    const [needs, run] = files[path];
    run.call(module.exports, module, module.exports, (name) => load(needs[name]));
  }
  return loaded[path].exports;
}
export const { ${Object.keys(require(name)).join(", ")} } = load(${JSON.stringify(entry)});
`;
}

// Adds a file, and those it requires, as an entry of the object of files.
function add(path, files) {
  if (files.has(path)) return path;
  files.set(path, null);
  const source = readFileSync(path, "utf-8");
  const needs = {};
  const resolve = createRequire(path).resolve;
  for (const [, one, other] of path.endsWith(".json") ? [] : source.matchAll(REQUIRED)) {
    needs[one ?? other] = add(resolve(one ?? other), files);
  }
  const code = path.endsWith(".json") ? `module.exports = ${source}` : source;
  const run = `function (module, exports, require) {\n${code}\n}`;
  files.set(path, `${JSON.stringify(path)}: [${JSON.stringify(needs)}, ${run}]`);
  return path;
}
