// Stands in for an action of another repository: says with what it was called, and does the little that tests need of it.
const fs = require("fs");

const name = "@NAME@";
const inputs = {};
for (const [key, value] of Object.entries(process.env)) {
  if (key.startsWith("INPUT_")) inputs[key.slice("INPUT_".length).toLowerCase()] = value;
}
console.log(`stand-in ${JSON.stringify({ action: name, inputs })}`);
if (name === "checkout") {
  fs.cpSync(process.env.STAND_IN_REPOSITORY, process.env.GITHUB_WORKSPACE, { recursive: true });
}
if (name === "configure-aws-credentials") {
  const keys = { AWS_ACCESS_KEY_ID: "testing", AWS_SECRET_ACCESS_KEY: "testing", AWS_REGION: inputs["aws-region"] };
  fs.appendFileSync(process.env.GITHUB_ENV, Object.entries(keys).map(([key, value]) => `${key}=${value}\n`).join(""));
}
