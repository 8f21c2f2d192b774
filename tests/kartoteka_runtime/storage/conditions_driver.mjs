// Answers one line of JSON with another: whether a condition holds for each record loaded
// before, what an expression gives, or texts folded. argv[2] is the address of conditions.js.
import { createInterface } from "node:readline";

const { evaluate, holds } = await import(process.argv[2]);
const { fold } = await import(new URL("conditions/texts.js", process.argv[2]));
let records = [];

function answer({ load, condition, expression, asker, folded }) {
  if (load !== undefined) {
    records = load;
    return records.length;
  }
  if (condition !== undefined) return records.map((record) => holds(condition, record, asker));
  if (folded !== undefined) return folded.map(fold);
  return records.map((record) => evaluate(expression, record, asker));
}

for await (const line of createInterface({ input: process.stdin })) {
  let answered;
  try {
    answered = { answer: answer(JSON.parse(line)) };
  } catch (error) {
    answered = { error: String(error.stack) };
  }
  process.stdout.write(`${JSON.stringify(answered)}\n`);
}
