// The official client of AG-UI, over the whole way: two agents, an approval, a refusal. Prints one JSON document.
// node agui_client.cjs URL KEY, with `@ag-ui/client` where NODE_PATH says.
const { HttpAgent } = require("@ag-ui/client");

async function main(url, key) {
  const agent = new HttpAgent({ url, threadId: "agui-1", headers: { Authorization: `Bearer ${key}` } });
  const runs = [];
  const run = async (input) => {
    const told = { types: [] };
    runs.push(told);
    await agent
      .runAgent(input, {
        onEvent: ({ event }) => void told.types.push(event.type),
        onRunFinishedEvent: ({ event }) => void (told.outcome = event.outcome),
        onRunErrorEvent: ({ event }) => void (told.error = { message: event.message, code: event.code }),
      })
      .catch((error) => void (told.thrown = { status: error.status, message: error.message }));
    told.messages = agent.messages.map((it) => [it.role, it.content]);
    return told;
  };
  const ask = (id, content, input = {}) => (agent.addMessage({ id, role: "user", content }), run(input));

  await ask("1", "How many moons has Mars and how high is Everest?");
  const { outcome } = await ask("2", "Cancel order 7");
  const [{ id }] = outcome.interrupts;
  await run({ resume: [{ interruptId: id, status: "resolved", payload: { approved: true } }] });
  await ask("3", "withdraw, please");
  await ask("4", "break, please");
  await ask("5", "x".repeat(5000));
  console.log(JSON.stringify(runs));
}

main(...process.argv.slice(2));
