// The page of the sample service: shows what the REST API holds and asks over the WebSocket API.
// config.json says where they are; whatever comes from them is put into the page as text, never as markup.

const byId = (id) => document.getElementById(id);
const say = (text) => { byId("status").textContent = text; };

const config = await loadConfig();
let conversation;

async function loadConfig() {
  const response = await fetch("config.json", { cache: "no-store" });
  return response.ok ? response.json() : {};
}

// One call of the REST API; throws an Error whose message is fit to be shown.
async function call(method, path, { query = {}, body } = {}) {
  const url = `${config.apiUrl.replace(/\/$/, "")}${path}?${new URLSearchParams(query)}`;
  const response = await fetch(url, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body && JSON.stringify(body),
  });
  const answer = response.status === 204 ? null : await response.json();
  if (!response.ok) {
    const fields = (answer.errors ?? []).map(({ field, message }) => `${field}: ${message}`);
    throw new Error([answer.message, ...fields].join("; "));
  }
  return answer;
}

function element(tag, text, ...children) {
  const made = document.createElement(tag);
  made.append(text, ...children);
  return made;
}

function button(label, about, action) {
  const made = element("button", label);
  made.setAttribute("aria-label", `${label}: ${about}`);
  made.addEventListener("click", () => attempt(action));
  return made;
}

function fill(id, items, render) {
  byId(id).replaceChildren(...items.map(render));
}

async function refresh() {
  const user_id = byId("user").value;
  const lists = ["/conversations", "/prompts", "/usage"].map((path) => call("GET", path, { query: { user_id } }));
  const [messages, prompts, usage] = await Promise.all(lists);
  fill("conversations", messages.items, ({ conversation_id, timestamp, role, content }) => {
    const remove = () => call("DELETE", "/conversations", { query: { conversation_id, timestamp, user_id } });
    return element("li", `${role}: ${content} `, button("Delete", content, remove));
  });
  fill("prompts", prompts.items, ({ prompt_id, title, text }) => {
    const remove = () => call("DELETE", "/prompts", { query: { prompt_id, user_id } });
    return element("li", `${title}: ${text} `, button("Delete", title, remove));
  });
  fill("usage", usage.items, (day) =>
    element("tr", "", ...["date", "requests", "input_tokens", "output_tokens"].map((name) => element("td", String(day[name])))),
  );
  say(`${messages.items.length} messages, ${prompts.items.length} prompts`);
}

// Does what was asked, then shows the state afterwards, or why it did not go.
async function attempt(action) {
  try {
    await action();
    await refresh();
  } catch (error) {
    say(error.message);
  }
}

function ask(message) {
  const socket = new WebSocket(`${config.websocketUrl}?${new URLSearchParams({ user_id: byId("user").value })}`);
  byId("answer").textContent = "";
  return new Promise((done, broken) => {
    socket.addEventListener("open", () => socket.send(JSON.stringify({ message, conversation_id: conversation })));
    socket.addEventListener("error", () => broken(new Error("the connection broke")));
    socket.addEventListener("close", () => broken(new Error("the connection was closed before the answer ended")));
    socket.addEventListener("message", ({ data }) => {
      const piece = JSON.parse(data);
      if (piece.type === "delta") {
        byId("answer").append(piece.text);
      } else if (piece.type === "end") {
        conversation = piece.conversation_id;
        done();
      } else {
        broken(new Error(piece.message));
      }
    });
  }).finally(() => socket.close());
}

function onSubmit(id, action) {
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.target));
    attempt(() => action(fields, event.target));
  });
}

onSubmit("user-form", () => { conversation = undefined; });
onSubmit("prompt-form", async ({ title, text }, form) => {
  await call("POST", "/prompts", { body: { user_id: byId("user").value, title, text } });
  form.reset();
});
onSubmit("chat-form", ({ message }) => ask(message));

if (config.apiUrl) {
  byId("chat").hidden = !config.websocketUrl;
  attempt(() => {});
} else {
  say("config.json names no apiUrl, so there is nothing to show yet.");
}
