// The chat's page: one WebSocket, the rooms it is in, and what a person sees of them.
// docs/chat.md describes the messages. Nothing that comes in is ever read as HTML.
"use strict";

const $ = (id) => document.getElementById(id);
const make = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};

const kMostShown = 2000; // lines of one room; older ones can be asked for again
const kMostMembers = 200;

const state = {
  socket: null,
  welcome: null, // the server's first words: who we are
  rooms: new Map(), // by key: lower case for rooms, "@nick" for conversations
  current: null,
  wanted: null, // the room to show once we are in it
  tries: 0,
  refs: 0,
  asked: new Set(), // rooms whose members are to be told in the log
  whoAt: 0, // when we last asked by ourselves who is there
  late: new Map(), // by ref: how to ask again what was asked too fast
  lastLine: "",
};

// --- what outlives a reload ----------------------------------------------------------------------

const memory = {
  load() {
    try { return JSON.parse(sessionStorage.getItem("chat")) || {}; } catch { return {}; }
  },
  save() {
    const rooms = [...state.rooms.values()].filter((room) => !room.peer).map((room) => room.name);
    const kept = { token: state.welcome && state.welcome.token, nick: state.welcome && state.welcome.nick, rooms };
    try { sessionStorage.setItem("chat", JSON.stringify(kept)); } catch { /* a private window */ }
  },
};

// --- the connection ------------------------------------------------------------------------------

function connect() {
  const address = new URL("ws", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(address);
  state.socket = socket;
  socket.onopen = () => { state.tries = 0; hello(); };
  socket.onmessage = (event) => hear(JSON.parse(event.data));
  socket.onclose = (event) => closed(socket, event);
}

function hello() {
  const kept = memory.load();
  const known = [...state.rooms.values()].filter((room) => !room.peer);
  const rooms = known.length > 0
    ? known.map((room) => ({ room: room.name, after: room.lastId || undefined }))
    : (kept.rooms || []).map((name) => ({ room: name }));
  const token = (state.welcome && state.welcome.token) || kept.token;
  // Where the token is no good any more (the server is a new one) the name may be had all the same.
  const nick = (state.welcome && state.welcome.nick) || kept.nick;
  send({ type: "hello", token, nick: nick && !nick.startsWith("guest-") ? nick : undefined,
         rooms: rooms.length > 0 ? rooms : undefined });
}

function send(message) {
  if (!state.socket || state.socket.readyState !== WebSocket.OPEN) return false;
  state.socket.send(JSON.stringify(message));
  return true;
}

// 1008 and the like are final: the server said why, and would say it again.
function closed(socket, event) {
  if (socket !== state.socket) return;
  state.socket = null;
  for (const room of state.rooms.values()) room.failPending();
  if (event.code === 1008 && event.reason) {
    return showState(event.reason, true);
  }
  state.tries += 1;
  const wait = Math.min(15000, 300 * 2 ** Math.min(state.tries, 6)) * (0.5 + Math.random() / 2);
  showState((event.reason ? event.reason + "; " : "") + "cut off, trying again …", true);
  setTimeout(connect, wait);
}

function showState(text, bad) {
  $("state").textContent = text;
  $("state").classList.toggle("bad", Boolean(bad));
}

// --- rooms ---------------------------------------------------------------------------------------

class Room {
  constructor(name, peer) {
    this.name = name;
    this.peer = peer; // the other one's nick, in a conversation of two
    this.topic = "";
    this.members = new Map();
    this.count = 0;
    this.lines = []; // {id, time, kind, nick, text, note, pending, failed, unkept, ref}
    this.ids = new Set();
    this.firstId = null;
    this.lastId = null;
    this.more = false;
    this.unread = 0;
    this.named = false; // our name is in what is unread
    this.readUpTo = null;
    this.divider = null; // what is below it was new when the room was opened: {after, node}
    this.gap = null; // the last id we had, while what is missing behind it is being fetched
    this.saving = null; // the messages of all pages so far, while the room is being saved
  }

  // Keeps the order of ids; what has none (notes) stands where it came. False: known already.
  add(line) {
    if (line.id) {
      if (this.ids.has(line.id)) return false;
      this.ids.add(line.id);
      if (!line.id.startsWith("local-")) {
        if (!this.lastId || later(line.id, this.lastId)) this.lastId = line.id;
        if (!this.firstId || later(this.firstId, line.id)) this.firstId = line.id;
      }
    }
    let at = this.lines.length;
    while (line.id && at > 0) {
      const before = this.lines[at - 1];
      if (before.id ? !later(before.id, line.id) : before.time <= line.time) break;
      at -= 1;
    }
    this.lines.splice(at, 0, line);
    if (this.lines.length > kMostShown) {
      const dropped = this.lines.splice(0, this.lines.length - kMostShown);
      for (const old of dropped) this.ids.delete(old.id);
      const first = this.lines.find((one) => one.id);
      this.firstId = first ? first.id : null;
      this.more = true;
    }
    return true;
  }

  failPending() {
    for (const line of this.lines) {
      if (line.pending) { line.pending = false; line.failed = true; }
    }
    if (this === state.current) showLog();
  }
}

// Ids are two numbers, "MS-N".
function later(left, right) {
  const [leftMs, leftNumber] = left.split("-").map(Number);
  const [rightMs, rightNumber] = right.split("-").map(Number);
  return leftMs !== rightMs ? leftMs > rightMs : leftNumber > rightNumber;
}

const keyOf = (name) => name.toLowerCase();
const roomOf = (name) => state.rooms.get(keyOf(name));

function conversation(nick) {
  const key = "@" + nick.toLowerCase();
  let room = state.rooms.get(key);
  if (!room) {
    room = new Room(nick, nick);
    state.rooms.set(key, room);
    showRooms();
  }
  return room;
}

// --- what the server says ------------------------------------------------------------------------

const heard = {
  welcome(message) {
    state.welcome = message;
    $("nick").textContent = message.nick;
    $("place").textContent = `from ${message.address}, through the web door ${message.port}`;
    for (const room of state.rooms.values()) room.gap = room.saving = null;
    showState("connected");
    memory.save();
  },

  // We are in it, for the first time or again.
  room(message) {
    const key = keyOf(message.room);
    let room = state.rooms.get(key);
    if (!room) {
      room = new Room(message.room);
      state.rooms.set(key, room);
      room.more = message.more && !message.missed;
    }
    if (message.missed && message.more && message.messages.length > 0 && room.lastId) {
      room.gap = room.lastId; // more than comes at once: on, until what we had is reached
      askHistory(room, message.messages[0].id);
    }
    takeMembers(room, message);
    room.topic = message.topic;
    for (const said of message.messages) takeMessage(room, said, !message.missed);
    if (!state.current || state.wanted === key) { state.wanted = null; show(room); }
    showRooms();
    memory.save();
    if (room === state.current) { showLog(); showHeader(); showMembers(); }
  },

  message(message) { const room = roomOf(message.room); if (room) takeMessage(room, message); },

  private(message) {
    const mine = same(message.from, state.welcome.nick);
    const room = conversation(mine ? message.to : message.from);
    const line = { time: message.time, kind: message.kind, nick: message.from, text: message.text };
    if (mine) takePending(room, line);
    room.add(line);
    told(room, line, !mine);
  },

  sent(message) {
    if (!message.ref) return;
    for (const room of state.rooms.values()) {
      const at = room.lines.findIndex((line) => line.ref === message.ref);
      if (at < 0) continue;
      // The message itself takes its place, if it is not there yet.
      if (!room.ids.has(message.id)) {
        const [line] = room.lines.splice(at, 1);
        room.add({ ...line, pending: false, id: message.id, time: message.time });
      } else if (room.lines[at].id !== message.id) {
        room.lines.splice(at, 1);
      }
      const line = room.lines.find((one) => one.id === message.id);
      if (line) { line.ref = null; line.unkept = !message.kept; }
      if (room === state.current) showLog();
    }
  },

  history(message) {
    const room = roomOf(message.room);
    if (!room) return;
    if (room.saving) return save(room, message);
    const missed = Boolean(room.gap);
    if (missed) {
      const first = message.messages[0];
      if (first && message.more && later(first.id, room.gap)) askHistory(room, first.id);
      else room.gap = null;
    } else {
      room.more = message.more;
    }
    const height = $("log").scrollHeight;
    for (const said of message.messages) takeMessage(room, said, !missed);
    if (room === state.current) {
      drawLog();
      if (!missed) $("log").scrollTop += $("log").scrollHeight - height; // what one reads stays where it is
    }
  },

  renumbered(message) {
    const room = roomOf(message.room);
    if (!room) return;
    const line = room.lines.find((one) => one.id === message.id);
    if (!line) return;
    room.lines.splice(room.lines.indexOf(line), 1);
    room.ids.delete(message.id);
    line.id = message.new;
    room.add(line);
    if (room === state.current) showLog();
  },

  joined(message) {
    const room = roomOf(message.room);
    if (!room) return;
    room.members.set(message.nick.toLowerCase(), message);
    room.count = message.members;
    note(room, `${message.nick} joined (${placeOf(message)})`);
  },

  parted(message) {
    const room = roomOf(message.room);
    if (!room) return;
    if (same(message.nick, state.welcome.nick)) return forget(room);
    gone(room, message.nick, `${message.nick} left${because(message.why)}`);
  },

  quit(message) {
    for (const room of state.rooms.values()) {
      if (room.members.has(message.nick.toLowerCase())) {
        gone(room, message.nick, `${message.nick} left${because(message.why)}`);
      } else if (room.peer && same(room.peer, message.nick)) {
        note(room, `${message.nick} left${because(message.why)}`);
      }
    }
  },

  kicked(message) {
    const room = roomOf(message.room);
    if (!room) return;
    if (!same(message.nick, state.welcome.nick)) {
      return gone(room, message.nick, `${message.by} put ${message.nick} out${because(message.why)}`);
    }
    forget(room);
    alertUser(`${message.by} put you out of ${message.room}${because(message.why)}`);
  },

  nick(message) {
    const mine = same(message.nick, state.welcome.nick);
    if (mine) {
      state.welcome.nick = message.new;
      $("nick").textContent = message.new;
      memory.save();
    }
    const talk = state.rooms.get("@" + message.nick.toLowerCase());
    if (talk && !mine && !state.rooms.has("@" + message.new.toLowerCase())) {
      state.rooms.delete("@" + message.nick.toLowerCase());
      talk.name = talk.peer = message.new;
      state.rooms.set("@" + message.new.toLowerCase(), talk);
      note(talk, `${message.nick} is now ${message.new}`);
      if (talk === state.current) showHeader();
      showRooms();
    }
    for (const room of state.rooms.values()) {
      const member = room.members.get(message.nick.toLowerCase());
      if (!member) continue;
      room.members.delete(message.nick.toLowerCase());
      room.members.set(message.new.toLowerCase(), { ...member, nick: message.new });
      note(room, mine ? `you are ${message.new} now` : `${message.nick} is now ${message.new}`);
    }
  },

  topic(message) {
    const room = roomOf(message.room);
    if (!room) return;
    room.topic = message.topic;
    note(room, `${message.nick} set the topic: ${message.topic}`);
    if (room === state.current) showHeader();
  },

  presence(message) {
    const room = roomOf(message.room);
    if (!room) return;
    room.count = message.members;
    if (room === state.current) { showMembers(); askWho(); }
  },

  who(message) {
    if (state.asked.delete(keyOf(message.room)) && state.current) {
      const names = message.members.map((member) => member.nick).join(", ");
      const left = message.count - message.members.length;
      note(state.current, `${message.count} in ${message.room}: ${names}${left > 0 ? ` and ${left} more` : ""}`);
    }
    const room = roomOf(message.room);
    if (!room) return;
    takeMembers(room, message);
    if (room === state.current) showMembers();
  },

  rooms(message) {
    const list = message.rooms.map((one) => `${one.room} (${one.members})`).join(", ");
    if (state.current) note(state.current, `rooms: ${list}`);
  },

  notice(message) { if (state.current) note(state.current, message.text); else alertUser(message.text); },

  refused(message) {
    const late = message.what === "too_fast" && state.late.get(message.ref);
    if (late) { setTimeout(late, 1000); return; }
    if (message.ref && message.ref.startsWith("h")) {
      const asked = roomOf("#" + message.ref.slice(1));
      if (asked) asked.gap = asked.saving = null;
    }
    for (const room of message.ref ? state.rooms.values() : []) {
      const line = room.lines.find((one) => one.ref === message.ref);
      if (line) { line.pending = false; line.failed = true; line.ref = null; }
      if (line && room === state.current) showLog();
    }
    alertUser(message.text);
  },
};

function hear(message) {
  if (Object.hasOwn(heard, message.type)) heard[message.type](message);
}

const same = (left, right) => left.toLowerCase() === right.toLowerCase();
const because = (why) => (why ? ` (${why})` : "");
const placeOf = (member) =>
  `${member.address}, ${member.door} door${member.port ? " " + member.port : ""}`
  + (member.host ? ` of ${member.host}` : "");

function takeMembers(room, message) {
  room.members = new Map(message.members.map((member) => [member.nick.toLowerCase(), member]));
  room.count = message.count;
}

function takeMessage(room, said, old) {
  const mine = same(said.nick, state.welcome.nick);
  const line = { id: said.id, time: said.time, kind: said.kind, nick: said.nick, text: said.text };
  if (mine && !old) {
    dropFailed(room, said.text);
    takePending(room, line);
  }
  if (room.add(line) && !old) told(room, line, !mine);
}

// What was on its way when we were cut off, and had arrived after all.
function dropFailed(room, text) {
  const at = room.lines.findIndex((line) => line.failed && line.text === text);
  if (at >= 0) room.lines.splice(at, 1);
}

// The line comes in place of the one that waited for it: with its node, which has been read out, and
// its ref, by which what happened to it will be told.
function takePending(room, line) {
  const at = room.lines.findIndex((one) => one.pending && one.text === line.text);
  if (at >= 0) [{ ref: line.ref, node: line.node }] = room.lines.splice(at, 1);
}

function gone(room, nick, text) {
  room.members.delete(nick.toLowerCase());
  room.count = Math.max(0, room.count - 1);
  note(room, text);
}

function note(room, text) {
  room.add({ note: true, time: Date.now(), text });
  if (room === state.current) { showLog(); showMembers(); }
}

function forget(room) {
  state.rooms.delete(room.peer ? "@" + room.peer.toLowerCase() : keyOf(room.name));
  if (state.current === room) {
    state.current = null;
    const next = state.rooms.values().next();
    if (!next.done) show(next.value); else { showLog(); showHeader(); showMembers(); }
  }
  showRooms();
  memory.save();
}

// Something was said: shown, counted where nobody looks.
function told(room, line, fromOthers) {
  const seen = room === state.current && !document.hidden;
  if (fromOthers && !seen) {
    room.unread += 1;
    room.named = room.named || Boolean(room.peer) || mentions(line.text);
  }
  if (room === state.current) showLog();
  showRooms();
}

// --- what one sees -------------------------------------------------------------------------------

function show(room) {
  if (state.current) state.current.readUpTo = state.current.lastId;
  state.current = room;
  room.divider = room.readUpTo ? { after: room.readUpTo, node: make("li", "divider", "new") } : null;
  room.unread = 0;
  room.named = false;
  hidePanels();
  showHeader();
  drawLog(true);
  showMembers();
  showRooms();
  if (!room.peer && room.members.size < Math.min(room.count, kMostMembers)) {
    send({ type: "who", room: room.name });
  }
}

function showHeader() {
  const room = state.current;
  $("room-name").textContent = room ? room.name : "Chat";
  $("topic").textContent = room ? (room.peer ? "only the two of you" : room.topic) : "join a room";
  $("topic").title = $("topic").textContent;
}

function showRooms() {
  const list = $("room-list");
  list.textContent = "";
  let unread = 0;
  for (const room of state.rooms.values()) {
    const item = make("li");
    const open = make("button", "open", room.name);
    open.type = "button";
    open.setAttribute("aria-current", String(room === state.current));
    open.onclick = () => { show(room); $("line").focus(); };
    item.append(open);
    if (room.unread > 0) {
      const count = make("span", room.named ? "unread named" : "unread", room.unread);
      count.append(make("span", "unseen", room.named ? " unread, your name is there" : " unread"));
      item.append(count);
      if (room !== state.current) unread += room.unread;
    }
    const leave = make("button", "leave", "×");
    leave.type = "button";
    leave.setAttribute("aria-label", `Leave ${room.name}`);
    leave.onclick = () => { if (room.peer) forget(room); else send({ type: "part", room: room.name }); };
    item.append(leave);
    list.append(item);
  }
  const total = [...state.rooms.values()].reduce((sum, room) => sum + room.unread, 0);
  document.title = (total > 0 ? `(${total}) ` : "") + (state.current ? state.current.name : "Chat");
  $("unread-elsewhere").hidden = unread === 0;
  $("unread-elsewhere").textContent = unread;
}

function drawMembers() {
  const room = state.current;
  const list = $("member-list");
  list.textContent = "";
  const count = room && !room.peer ? room.count : 0;
  $("count").textContent = room && room.peer ? "" : `${count} ${count === 1 ? "member" : "members"}`;
  $("show-members").textContent = count > 0 ? `Members ${count}` : "Members";
  const members = room ? [...room.members.values()] : [];
  members.sort((left, right) => left.nick.localeCompare(right.nick));
  for (const member of members.slice(0, kMostMembers)) {
    const item = make("li");
    const nick = make("button", "", member.nick);
    nick.type = "button";
    nick.title = `Write to ${member.nick} alone`;
    nick.onclick = () => { show(conversation(member.nick)); $("line").focus(); };
    item.append(nick, make("span", "place", placeOf(member)));
    list.append(item);
  }
  const left = count - Math.min(members.length, kMostMembers);
  $("more-members").textContent = left > 0 ? `and ${left} more` : "";
}

function lineNode(line) {
  const item = make("li");
  const time = make("time", "time", new Date(line.time).toTimeString().slice(0, 5));
  time.dateTime = new Date(line.time).toISOString();
  time.title = new Date(line.time).toLocaleString();
  item.append(time);
  if (line.note) {
    item.classList.add("note");
    item.append(line.text);
    return item;
  }
  const mine = same(line.nick, state.welcome.nick);
  if (mine) item.classList.add("mine");
  else if (mentions(line.text)) item.classList.add("mention");
  item.append(make("span", "who", line.kind === "act" ? `* ${line.nick}` : `${line.nick}:`));
  appendText(item, line.text);
  return item;
}

// The line's place in the list is kept from one time to the next: a screen reader reads what is new
// there, and what one has marked stays marked.
function nodeOf(line) {
  if (!line.node) line.node = lineNode(line);
  line.node.classList.toggle("pending", Boolean(line.pending));
  line.node.classList.toggle("failed", Boolean(line.failed));
  if (line.unkept && !line.node.querySelector(".unkept")) {
    line.node.append(" ", make("span", "unkept", "(not kept in the history)"));
  }
  const again = line.node.querySelector("button");
  if (!line.failed && again) again.remove();
  if (line.failed && !again) {
    const button = make("button", "", "not sent: send again");
    button.type = "button";
    button.onclick = () => {
      const room = state.current;
      room.lines.splice(room.lines.indexOf(line), 1);
      say(room, line.text, line.kind);
    };
    line.node.append(" ", button);
  }
  return line.node;
}

function mentions(text) {
  const nick = state.welcome.nick.toLowerCase();
  return text.toLowerCase().split(/[^a-z0-9_-]+/).includes(nick);
}

// The text, with its addresses as links.
function appendText(item, text) {
  const links = /\bhttps?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]]/g;
  let at = 0;
  for (const match of text.matchAll(links)) {
    item.append(text.slice(at, match.index));
    const link = make("a", "", match[0]);
    link.href = match[0];
    link.rel = "noopener noreferrer nofollow";
    link.target = "_blank";
    item.append(link);
    at = match.index + match[0].length;
  }
  item.append(text.slice(at));
}

// Many messages may come at once: the page is drawn once for all of them.
const due = new Set();
function soon(draw) {
  due.add(draw);
  if (due.size > 1) return;
  const run = () => { const all = [...due]; due.clear(); for (const one of all) one(); };
  if (document.hidden) setTimeout(run, 200); else requestAnimationFrame(run);
}
const showLog = () => soon(drawLog);
const showMembers = () => soon(drawMembers);

let liveTimer = 0;
function drawLog(opened) {
  const log = $("log");
  const room = state.current;
  const atEnd = opened || log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const nodes = [];
  let divided = !room || !room.divider;
  for (const line of room ? room.lines : []) {
    if (!divided && line.id && !line.id.startsWith("local-") && later(line.id, room.divider.after)) {
      nodes.push(room.divider.node);
      divided = true;
    }
    nodes.push(nodeOf(line));
  }
  // What was said before one came to look is not read out.
  if (opened) {
    log.setAttribute("aria-live", "off");
    clearTimeout(liveTimer);
    liveTimer = setTimeout(() => log.setAttribute("aria-live", "polite"), 500);
  }
  const kept = new Set(nodes);
  for (const node of [...log.children]) if (!kept.has(node)) node.remove();
  let next = log.firstChild;
  for (const node of nodes) {
    if (node === next) next = next.nextSibling; else log.insertBefore(node, next);
  }
  $("earlier").hidden = !room || Boolean(room.peer) || !room.more;
  if (atEnd) log.scrollTop = log.scrollHeight;
}

let alertTimer = 0;
function alertUser(text) {
  $("told").textContent = text;
  clearTimeout(alertTimer);
  alertTimer = setTimeout(() => { $("told").textContent = ""; }, 8000);
}

// --- what one does -------------------------------------------------------------------------------

function say(room, text, kind) {
  state.refs += 1;
  const ref = `r${state.refs}`;
  const type = kind === "act" ? "act" : "say";
  const message = room.peer ? { type: "msg", to: room.peer, text, ref } : { type, room: room.name, text, ref };
  const line = { time: Date.now(), kind: type, nick: state.welcome.nick, text, ref, pending: true };
  if (!send(message)) { line.pending = false; line.failed = true; line.ref = null; }
  room.lines.push(line);
  drawLog();
  $("log").scrollTop = $("log").scrollHeight;
}

const commands = {
  nick: (rest) => send({ type: "nick", nick: rest }),
  join: (rest) => joinRoom(rest),
  part: (rest, room) => (!rest && room.peer ? forget(room) : send({ type: "part", room: rest ? hashed(rest) : room.name })),
  me: (rest, room) => say(room, rest, "act"),
  msg: (rest) => {
    const [, nick, text] = /^(\S+)\s+(.*)$/.exec(rest) || [];
    if (!nick) return alertUser("/msg NAME TEXT");
    const room = conversation(nick);
    show(room);
    say(room, text);
  },
  topic: (rest, room) => (rest
    ? send({ type: "topic", room: room.name, topic: rest === "-" ? "" : rest })
    : note(room, room.topic ? `the topic of ${room.name}: ${room.topic}` : `${room.name} has no topic: /topic TEXT`)),
  rooms: () => send({ type: "rooms" }),
  who: (rest, room) => {
    if (!rest && room.peer) return note(room, "only the two of you");
    const name = rest ? hashed(rest) : room.name;
    state.asked.add(keyOf(name));
    return send({ type: "who", room: name });
  },
  save: (rest, room) => startSaving(room),
  op: (rest) => send({ type: "op", password: rest }),
  kick: (rest, room) => {
    const [, nick, why] = /^(\S+)\s*(.*)$/.exec(rest) || [];
    send({ type: "kick", room: room.name, nick: nick || "", why: why || "" });
  },
  mute: (rest) => send({ type: "mute", nick: rest }),
  unmute: (rest) => send({ type: "unmute", nick: rest }),
  help: (rest, room) => note(room, "/nick NAME  /join #ROOM  /part  /me TEXT  /msg NAME TEXT  /topic [TEXT]  "
    + "/rooms  /who [#ROOM]  /save (all that is kept of this room, as a file)  /op PASSWORD  /kick NAME  /mute NAME  /unmute NAME; // begins a line with one slash"),
};

const hashed = (name) => (name.startsWith("#") ? name : "#" + name);

function joinRoom(name) {
  const room = hashed(name);
  if (roomOf(room)) return show(roomOf(room));
  state.wanted = keyOf(room);
  return send({ type: "join", room });
}

function takeLine(text) {
  const room = state.current;
  const command = /^\/(\w+)\s*(.*)$/.exec(text);
  if (command && !text.startsWith("//")) {
    const [, name, rest] = [command[0], command[1].toLowerCase(), command[2]];
    if (!Object.hasOwn(commands, name)) return alertUser(`there is no command /${name}: /help lists them`);
    if (!room && !["nick", "join", "rooms", "msg"].includes(name)) return alertUser("join a room first");
    return commands[name](rest.trim(), room);
  }
  if (!room) return alertUser("join a room first");
  return say(room, text.startsWith("//") ? text.slice(1) : text);
}

function hidePanels() {
  for (const name of ["rooms", "members"]) {
    $(name).classList.remove("shown");
    $("show-" + name).setAttribute("aria-expanded", "false");
  }
}

function togglePanel(name) {
  const shown = $(name).classList.contains("shown");
  hidePanels();
  if (shown) return;
  $(name).classList.add("shown");
  $("show-" + name).setAttribute("aria-expanded", "true");
  const first = $(name).querySelector("button");
  if (first) first.focus();
}

function nextRoom(step) {
  const rooms = [...state.rooms.values()];
  if (rooms.length === 0) return;
  const at = rooms.indexOf(state.current);
  show(rooms[(at + step + rooms.length) % rooms.length]);
}

function askEarlier() {
  const room = state.current;
  if (!room || room.peer || !room.more || room.gap || room.saving) return;
  room.more = false; // until the answer says otherwise
  send({ type: "history", room: room.name, before: room.firstId || undefined, limit: 100 });
}

// Asks for a page of history that somebody waits for: where that was too fast, again.
function askHistory(room, before) {
  const ref = "h" + room.name.slice(1);
  const ask = () => send({ type: "history", room: room.name, before, limit: 500, ref });
  state.late.set(ref, ask);
  ask();
}

// Members came and went that we were not told of one by one.
function askWho() {
  const room = state.current;
  if (room.count > kMostMembers || state.whoAt + 10000 > Date.now()) return;
  state.whoAt = Date.now();
  setTimeout(() => { if (state.current === room) send({ type: "who", room: room.name }); }, 1000);
}

// --- a room as a file ----------------------------------------------------------------------------

const kMostSaved = 100000; // messages

function startSaving(room) {
  if (room.peer) return saveFile(room, room.lines.filter((line) => !line.note && !line.failed));
  if (room.saving || room.gap) return alertUser("one moment, older messages are on their way");
  room.saving = [];
  return askHistory(room);
}

// One more page of it; the newest comes first.
function save(room, message) {
  room.saving = [...message.messages, ...room.saving];
  if (message.more && message.messages.length > 0 && room.saving.length < kMostSaved) {
    return askHistory(room, room.saving[0].id);
  }
  const said = room.saving;
  room.saving = null;
  return saveFile(room, said);
}

function saveFile(room, said) {
  const lines = said.map((line) => new Date(line.time).toISOString() + " "
    + (line.kind === "act" ? `* ${line.nick} ${line.text}` : `${line.nick}: ${line.text}`) + "\n");
  const link = make("a");
  link.href = URL.createObjectURL(new Blob(lines, { type: "text/plain;charset=utf-8" }));
  link.download = "chat-" + room.name.replace("#", "") + ".txt";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  note(room, `${said.length} messages saved as ${link.download}`);
}

$("say-form").onsubmit = (event) => {
  event.preventDefault();
  const text = $("line").value.trim();
  if (!text || !state.welcome) return;
  state.lastLine = text;
  $("line").value = "";
  takeLine(text);
};
$("join-form").onsubmit = (event) => {
  event.preventDefault();
  const name = $("join-name").value.trim();
  if (name) joinRoom(name);
  $("join-name").value = "";
  $("line").focus();
};
$("nick").onclick = () => {
  $("name-input").value = state.welcome.nick;
  $("name-dialog").showModal();
  $("name-input").select();
};
// Enter must mean the second button.
$("name-input").onkeydown = (event) => {
  if (event.key === "Enter") { event.preventDefault(); $("name-ok").click(); }
};
$("name-dialog").onclose = () => {
  const name = $("name-input").value.trim();
  if ($("name-dialog").returnValue === "ok" && name) send({ type: "nick", nick: name });
  $("line").focus();
};
$("earlier").onclick = askEarlier;
$("log").onscroll = () => { if ($("log").scrollTop === 0) askEarlier(); };
$("show-rooms").onclick = () => togglePanel("rooms");
$("show-members").onclick = () => togglePanel("members");
document.addEventListener("keydown", (event) => {
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    event.preventDefault();
    nextRoom(event.key === "ArrowUp" ? -1 : 1);
  } else if (event.key === "Escape" && !$("name-dialog").open) {
    hidePanels();
    $("line").focus();
  } else if (event.key === "ArrowUp" && event.target === $("line") && $("line").value === "") {
    event.preventDefault();
    $("line").value = state.lastLine;
  }
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden || !state.current) return;
  state.current.unread = 0;
  state.current.named = false;
  showRooms();
});

connect();
$("line").focus();
