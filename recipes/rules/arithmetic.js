// A verifiable task: prompts such as "What is 12 + 30?". True if the last number of the response is the
// result; no model is needed to judge it.
const TASK = /(-?\d+(?:\.\d+)?)\s*([-+*x×/])\s*(-?\d+(?:\.\d+)?)/;

function result(a, sign, b) {
  switch (sign) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '/':
      return a / b;
    default:
      return a * b;
  }
}

export default function (prompt, response) {
  const [, a, sign, b] = TASK.exec(prompt) ?? [];
  if (a === undefined) return false;
  // Thousands may have a comma: 12,000.
  const numbers = response.replace(/(\d),(?=\d{3}\b)/g, '$1').match(/-?\d+(?:\.\d+)?/g) ?? [];
  return Math.abs(Number(numbers.at(-1)) - result(Number(a), sign, Number(b))) < 1e-6;
}
