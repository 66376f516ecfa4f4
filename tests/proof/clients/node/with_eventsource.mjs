// `eventsource`, which follows a stream through whatever ends it: `with_eventsource.mjs ASKED`.
import { EventSource } from "eventsource";

const asked = JSON.parse(process.argv[2]);
const source = new EventSource(asked.url, {
  fetch: (input, init) =>
    fetch(input, { ...init, headers: { ...init.headers, Authorization: `Bearer ${asked.token}` } }),
});
let left = asked.count;
source.addEventListener("begin", () => console.log(JSON.stringify({ begun: true })));
source.onmessage = (event) => {
  console.log(JSON.stringify({ value: event.data }));
  left -= 1;
  if (left === 0) {
    source.close();
    process.exit(0);
  }
};
setTimeout(() => process.exit(1), 1000 * asked.wait_s);
