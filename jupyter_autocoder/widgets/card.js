/* The confirmation card: draws the texts it is sent, and sends back what a person does. It decides nothing.
 *
 * Every text goes in by textContent, so that no word of an order can become markup. The card holds no state of its own
 * in the notebook: without an answer from the kernel it is an empty, disabled frame.
 */

const LOST_AFTER = 8000;
const BEAT_EVERY = 4000;
const MARKS = { buy: "▲ BUY", sell: "▼ SELL", both: "◆ BUY AND SELL" };

/** Make an element: `make("p", { class: "x", text: "..." }, child, ...)`; `on` holds event handlers. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child));
  return element;
}

let cards = 0;

/**
 * Draw a card into `el`. `port.send(message)` carries messages to the desk; `port.listen(act)` gives its answers and
 * returns a function that stops that. Returns a function that takes the card away.
 */
export function mount(el, port) {
  const name = `jac-card-${(cards += 1)}`;
  const state = { card: null, nonce: "", ticks: new Set(), locked: false, armedAt: Infinity, typed: "" };
  const root = make("section", {
    class: "jac-card",
    id: name,
    role: "group",
    "aria-labelledby": `${name}-title`,
    "aria-describedby": `${name}-state`,
    "data-lm-suppress-shortcuts": "true",
  });
  const said = make("p", { class: "jac-said", role: "status", "aria-live": "polite" });
  const alarm = make("p", { class: "jac-alarm", role: "alert" });
  const body = make("div", { class: "jac-body" });
  root.append(body, said, alarm);
  el.append(root);
  let heard = Date.now();
  let asked = 0;

  const send = (message) => {
    try {
      // The card may go on to another ticket while this is on its way: what is meant is the one that stands here.
      port.send(state.card ? { ...message, ticket: state.card.id } : message);
    } catch {
      lose("kernel disconnected: use the sidebar, or run the cell again");
    }
  };

  function lose(words) {
    root.classList.add("jac-lost");
    for (const control of body.querySelectorAll("button, input")) control.disabled = true;
    said.textContent = words;
  }

  function stopEvent(event) {
    // A key pressed in here is never a command of the notebook.
    event.stopPropagation();
    if (event.type === "keydown" && event.key === "Escape" && state.card?.confirmable) dismiss(event);
  }
  for (const type of ["keydown", "keyup", "keypress"]) root.addEventListener(type, stopEvent);

  function dismiss(event) {
    // It stands where "Cancel the order" stood on the card before: a click meant for that is too early for this.
    if (!event.isTrusted || state.locked || Date.now() < state.armedAt) return;
    state.locked = true;
    send({ kind: "dismiss" });
  }

  // -- the one control that matters ---------------------------------------------------------------------------------
  const ready = () =>
    state.card?.confirmable &&
    !state.locked &&
    Date.now() >= state.armedAt &&
    state.card.warnings.every((warning) => state.ticks.has(warning.key)) &&
    !root.classList.contains("jac-lost");

  const typedRight = () => {
    const wanted = state.card.type_symbol || state.card.legs[0]?.symbol || "";
    return wanted !== "" && state.typed.trim().toUpperCase() === wanted;
  };

  function confirm(event) {
    // A script's click is not a person's; the desk has guards of its own, this one stops a page's.
    if (!event.isTrusted || !ready()) return;
    if (state.card.needs_hold && !typedRight() && !state.held) return;
    state.locked = true;
    const { hash } = state.card;
    send({ kind: "confirm", hash, nonce: state.nonce, ticks: [...state.ticks], clicked: Date.now() / 1000 });
    state.nonce = "";
    said.textContent = "sent to the desk, waiting for its answer";
    render();
  }

  function holdable(button) {
    let timer = 0;
    const begin = (event) => {
      if (!event.isTrusted || event.repeat || !ready()) return;
      if (event.type === "keydown" && event.key !== " " && event.key !== "Enter") return;
      if (event.type === "keydown") event.preventDefault();
      button.classList.add("jac-holding");
      timer = window.setTimeout(() => {
        state.held = true;
        button.classList.remove("jac-holding");
        confirm(event);
        state.held = false;
      }, state.card.hold_for * 1000);
    };
    const end = () => {
      window.clearTimeout(timer);
      button.classList.remove("jac-holding");
    };
    button.addEventListener("pointerdown", begin);
    button.addEventListener("keydown", begin);
    for (const type of ["pointerup", "pointerleave", "pointercancel", "keyup", "blur"]) button.addEventListener(type, end);
    button.addEventListener("click", (event) => typedRight() && confirm(event));
  }

  // -- drawing ------------------------------------------------------------------------------------------------------
  function row(title, text, kind = "") {
    return text ? [make("dt", { text: title }), make("dd", { text, class: kind })] : [];
  }

  function legRows(leg, number, many) {
    const receipt = leg.receipt || {};
    const filled = receipt.average ? `${receipt.filled} filled at ${receipt.average}, fees ${receipt.fees}` : "";
    const ids = receipt.sent ? [receipt.client_order_id, receipt.broker_order_id].filter(Boolean).join(", ") : "";
    return [
      ...(many ? row(`Order ${number}`, leg.sentence, "jac-strong") : []),
      ...row("Quantity", leg.quantity),
      ...row("Type", `${leg.type}, ${leg.duration}`),
      ...row("Cost", leg.cost),
      ...row("Worst case", leg.worst),
      ...row("Holding", leg.position),
      ...row("Receipt", receipt.sent ? [receipt.state_words, filled].filter(Boolean).join(": ") : ""),
      ...row("Order ids", ids),
      ...row("Remark", receipt.message),
    ];
  }

  function details(card) {
    const many = card.legs.length > 1;
    const list = make("dl", { class: "jac-details" });
    list.append(
      ...card.changed.flatMap((text) => row("Changed", text, "jac-changed")),
      ...card.legs.flatMap((leg, index) => legRows(leg, index + 1, many)),
      ...card.follow_ups.flatMap((text) => row("Afterwards", text)),
      ...card.left_out.flatMap((text) => row("Left alone", text)),
      ...card.quotes.flatMap((quote) => row(quote.symbol, `${quote.prices} (${quote.age}; ${quote.source})`)),
      ...row("Cash", card.money.cash),
      ...row("Buying power", card.money.buying_power),
      ...row("Market", card.market),
      ...row("Read", card.read_by),
      ...row("Note", card.note),
      ...row("Why", card.message),
      ...card.timeline.flatMap((text) => row("History", text)),
      ...row("Ticket", `${card.id}, ${card.short_hash}${card.confirmable ? `, valid until ${card.expires}` : ""}`),
    );
    return list;
  }

  function warnings(card) {
    if (!card.confirmable || card.warnings.length === 0) return null;
    const boxes = card.warnings.map((warning) => {
      const box = make("input", { type: "checkbox", checked: state.ticks.has(warning.key) });
      box.addEventListener("change", (event) => {
        if (!event.isTrusted) return;
        if (box.checked) state.ticks.add(warning.key);
        else state.ticks.delete(warning.key);
        refreshControls();
      });
      return make("label", { class: "jac-warning" }, box, make("span", { text: warning.message }));
    });
    return make("fieldset", { class: "jac-warnings" }, make("legend", { text: "Tick each to go on" }), ...boxes);
  }

  function controls(card) {
    const bar = make("div", { class: "jac-controls" });
    if (card.confirmable) {
      bar.append(make("button", { type: "button", class: "jac-dismiss", text: "Dismiss", on: { click: dismiss } }));
      bar.append(make("button", { type: "button", class: "jac-edit", text: "Edit (new ticket)", on: { click: edit } }));
      if (card.needs_hold) bar.append(typing(card));
      const words = card.needs_hold ? `Hold to: ${card.act}` : card.act;
      const button = make("button", { type: "button", class: `jac-confirm jac-${card.side}`, text: words });
      if (card.needs_hold) holdable(button);
      else button.addEventListener("click", confirm);
      bar.append(button, make("span", { class: "jac-left", "aria-hidden": "true" }));
    }
    if (card.cancellable) {
      const cancel = (event) => event.isTrusted && send({ kind: "cancel" });
      bar.append(make("button", { type: "button", class: "jac-cancel", text: "Cancel the order", on: { click: cancel } }));
    }
    for (const leg of card.retry) {
      const again = (event) => {
        if (!event.isTrusted || state.locked || Date.now() < state.armedAt) return;
        state.locked = true;
        send({ kind: "retry", leg, hash: card.hash, nonce: state.nonce, clicked: Date.now() / 1000 });
      };
      const text = `Send order ${leg + 1} again under the same id`;
      bar.append(make("button", { type: "button", class: "jac-retry", text, on: { click: again } }));
    }
    if (card.retry.length > 0) {
      bar.append(make("button", { type: "button", class: "jac-dismiss", text: "Let it go", on: { click: dismiss } }));
    }
    return bar;
  }

  function typing(card) {
    const wanted = card.type_symbol || card.legs[0]?.symbol || "";
    const field = make("input", { type: "text", size: 8, autocomplete: "off", spellcheck: "false" });
    field.value = state.typed;
    field.addEventListener("input", (event) => {
      if (event.isTrusted) state.typed = field.value;
    });
    return make("label", { class: "jac-typing" }, make("span", { text: `or type ${wanted}, then press:` }), field);
  }

  function edit(event) {
    if (!event.isTrusted || state.locked) return;
    const field = make("input", { type: "text", class: "jac-words", "aria-label": "The order in your words" });
    field.value = state.card.text;
    const go = (again) => again.isTrusted && send({ kind: "edit", text: field.value });
    const button = make("button", { type: "button", text: "Draft a new ticket", on: { click: go } });
    event.target.replaceWith(make("span", { class: "jac-editing" }, field, button));
    field.focus();
  }

  function render() {
    const { card } = state;
    if (!card) return;
    const live = card.mode === "live";
    root.className = `jac-card ${live ? "jac-live" : "jac-paper"}`;
    body.replaceChildren(
      ...[
        make("div", { class: "jac-banner", text: card.banner }),
        make("blockquote", { class: "jac-text", text: card.text }),
        make("h3", { class: `jac-title jac-${card.side}`, id: `${name}-title` },
          make("span", { class: "jac-mark", text: MARKS[card.side] || "" }),
          // The mark says the word already.
          make("span", { text: ` ${MARKS[card.side] ? card.headline.replace(/^(BUY|SELL) /, "") : card.headline}` })),
        make("p", { class: "jac-state", id: `${name}-state`, text: card.state_words }),
        details(card),
        warnings(card),
        controls(card),
      ].filter(Boolean),
    );
    refreshControls();
  }

  function refreshControls() {
    const button = body.querySelector(".jac-confirm");
    // Not `disabled`: a control that cannot have focus would lose the person's place in the card.
    if (button) button.setAttribute("aria-disabled", ready() ? "false" : "true");
    const left = body.querySelector(".jac-left");
    if (left && state.card) left.textContent = `${Math.max(0, Math.round((state.until - Date.now()) / 1000))} s left`;
  }

  // -- answers ------------------------------------------------------------------------------------------------------
  const shape = (card) => JSON.stringify({ ...card, seconds_left: 0 });

  function take(message) {
    heard = Date.now();
    asked = 0;
    if (message.kind === "away") {
      // Nothing is known of what stands here: look again soon, with a nonce of its own.
      state.locked = false;
      alarm.textContent = `${message.problem} ${message.do || ""}`;
      window.setTimeout(() => send({ kind: "draw" }), BEAT_EVERY);
      return;
    }
    if (message.kind !== "card") {
      if (root.classList.contains("jac-lost")) send({ kind: "draw" });
      return;
    }
    const wasLost = root.classList.contains("jac-lost");
    const changed = !state.card || shape(state.card) !== shape(message.card) || wasLost;
    const before = state.card;
    if (before?.hash !== message.card.hash) {
      state.ticks.clear();
      state.typed = "";
    }
    Object.assign(state, { card: message.card, nonce: message.nonce || state.nonce, locked: false });
    state.until = Date.now() + message.card.seconds_left * 1000;
    if (changed) {
      // A click that was meant for what stood here before must not land on this.
      state.armedAt = Date.now() + message.card.arm_after * 1000;
      window.setTimeout(refreshControls, message.card.arm_after * 1000 + 20);
      render();
    }
    if (before && before.state !== message.card.state) said.textContent = message.card.state_words;
    else if (!before || wasLost || !changed) said.textContent = "";
    alarm.textContent = message.problem ? `${message.problem} ${message.do || ""}` : "";
    if (message.card.state === "rejected") alarm.textContent = message.card.state_words;
  }

  const beat = window.setInterval(() => {
    refreshControls();
    const { card } = state;
    if (!card) {
      // The first question may have been lost: the page was loaded before its kernel was there.
      if (Date.now() - heard > BEAT_EVERY) {
        heard = Date.now();
        send({ kind: "draw" });
      }
      return;
    }
    if (card.confirmable && Date.now() >= state.until && !state.asking) {
      state.asking = true;
      send({ kind: "draw" });
      window.setTimeout(() => (state.asking = false), 3000);
    }
    if (asked && Date.now() - asked > LOST_AFTER) lose("the kernel does not answer: busy, or gone. Nothing can be confirmed now");
    if (!asked && Date.now() - heard > BEAT_EVERY && !card.done) {
      asked = Date.now();
      send({ kind: "alive" });
    }
  }, 500);

  const stop = port.listen(take);
  lose("waiting for the kernel. If nothing comes, it is gone: use the sidebar, or run the cell again");
  send({ kind: "draw" });
  return () => {
    window.clearInterval(beat);
    stop();
    root.remove();
  };
}

export default {
  render({ model, el }) {
    return mount(el, {
      send: (message) => model.send(message),
      listen(act) {
        model.on("msg:custom", act);
        return () => model.off("msg:custom", act);
      },
    });
  },
};
