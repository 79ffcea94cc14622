/** A page that is made by React. */
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { VoxWidget } from "../../react/index.js";

const reacted: string[] = [];
Object.assign(window, { reacted });

const root = document.querySelector("#root");
if (root !== null) {
  const widget = createElement(VoxWidget, {
    bot: "faq",
    tokenUrl: "/call",
    transport: "talk",
    captions: false,
    lang: "en",
    variables: { name: "Ann" },
    strings: { launcher: "Ask us" },
    onState: ({ state }) => reacted.push(state),
    onCallStart: ({ session_id }) => reacted.push(`session ${session_id}`),
    onCallEnd: ({ disconnected_by }) => reacted.push(`ended by ${disconnected_by}`),
  });
  createRoot(root).render(widget);
}
