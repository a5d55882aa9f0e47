/** Python's `json` writes numbers that JSON does not have. Strings are stepped over, so that they stay. */
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g;

/**
 * Parses JSON as Python's standard library writes it: `NaN` and the infinities become null, as orjson
 * and JavaScript write them.
 *
 * @throws {SyntaxError} for what is no JSON all the same
 */
export function parseLenientJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (!/NaN|Infinity/.test(text)) throw thrown;
    return JSON.parse(
      text.replaceAll(STRING_OR_NUMBER, (found) => found[0] === '"' ? found : "null"),
    );
  }
}
