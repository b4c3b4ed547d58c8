// The first page: live pictures of every camera, and events as they appear. It only asks the same
// API everyone else does.

import { showLogin, showUser, wantsLogin } from './login.js';

const EVENTS_AT_ONCE = 30;
const EVENTS_EVERY_MS = 2000;
const STATS_EVERY_MS = 5000;
const RETRY_MS = 3000;
const RUNNING_THUMBNAIL_MS = 5000;

const $ = (id) => document.getElementById(id);
const base = new URL('.', document.baseURI);

async function ask(path) {
  const answer = await fetch(new URL(path, base), { headers: { 'X-CSRF-TOKEN': '1' } });
  if (wantsLogin(answer)) {
    showLogin(base);
  }
  if (!answer.ok) {
    throw new Error(`${path}: ${answer.status}`);
  }
  return answer.json();
}

/** Calls `work` again and again, `pauseMs` after it ended, never while the page is hidden. */
function repeat(work, pauseMs) {
  let timer = 0;
  let running = false;
  const run = async () => {
    clearTimeout(timer);
    if (running || document.hidden) {
      return;
    }
    running = true;
    await work();
    running = false;
    timer = setTimeout(run, pauseMs);
  };
  document.addEventListener('visibilitychange', run);
  run();
  return run;
}

function fromTemplate(id) {
  return $(id).content.firstElementChild.cloneNode(true);
}

function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

// ---- live pictures ----

/** One camera's card. Asks for the next picture only when the last one has arrived, so a slow line
 * or machine gets fewer pictures instead of late ones. */
class Camera {
  constructor(name) {
    this.name = name;
    this.element = fromTemplate('camera-template');
    this.element.dataset.camera = name;
    this.image = this.element.querySelector('img');
    this.state = this.element.querySelector('.state');
    this.visible = true;
    this.timer = 0;
    this.asked = 0;
    this.busy = false;
    this.element.querySelector('.name').textContent = name;
    this.image.alt = `Live picture of ${name}`;
    this.image.addEventListener('load', () => this.arrived(1000 / Number($('fps').value)));
    this.image.addEventListener('error', () => this.arrived(RETRY_MS));
    new IntersectionObserver((entries) => {
      this.visible = entries.at(-1).isIntersecting;
      this.next();
    }).observe(this.element);
  }

  arrived(intervalMs) {
    this.busy = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.next(), Math.max(0, this.asked + intervalMs - Date.now()));
  }

  next() {
    if (this.busy || !this.visible || document.hidden) {
      return;
    }
    this.busy = true;
    this.asked = Date.now();
    const height = Math.min(1080, Math.round(this.image.clientHeight * devicePixelRatio) || 360);
    const query = new URLSearchParams({ h: height, cache: this.asked });
    for (const [option, box] of [['bbox', 'boxes'], ['zones', 'zones'], ['motion', 'motion']]) {
      if ($(box).checked) {
        query.set(option, 1);
      }
    }
    this.image.src = new URL(`api/${encodeURIComponent(this.name)}/latest.jpg?${query}`, base);
  }
}

const cameras = new Map();

async function loadCameras() {
  let config;
  try {
    config = await ask('api/config');
  } catch {
    setTimeout(loadCameras, RETRY_MS);
    return;
  }
  const names = Object.entries(config.cameras)
    .filter(([, camera]) => camera.enabled)
    .sort(([a, x], [b, y]) => (x.ui?.order ?? 0) - (y.ui?.order ?? 0) || (a < b ? -1 : 1))
    .map(([name]) => name);
  for (const name of names) {
    const camera = new Camera(name);
    const { width, height } = config.cameras[name].detect;
    if (width && height) {
      camera.image.style.aspectRatio = `${width} / ${height}`;
    }
    cameras.set(name, camera);
    $('cameras').append(camera.element);
    $('event-camera').append(new Option(name, name));
  }
  document.addEventListener('visibilitychange', () => {
    for (const camera of cameras.values()) {
      camera.next();
    }
  });
}

// ---- state ----

/** What is wrong with a worker, in words; "" when nothing is. */
function trouble(worker) {
  if (!worker) {
    return '';
  }
  if (worker.state === 'stopped') {
    return worker.last_death ? `stopped: ${worker.last_death}` : 'stopped';
  }
  return worker.trouble || '';
}

function showBanners(banners) {
  const shown = banners.map((banner) => banner.text).join('\n');
  if ($('banners').dataset.shown === shown) {
    return;
  }
  $('banners').dataset.shown = shown;
  $('banners').replaceChildren(...banners.map(({ text, bad }) => {
    const element = document.createElement('p');
    element.className = bad ? 'banner bad' : 'banner';
    element.textContent = text;
    return element;
  }));
}

function showCameraState(name, stats, workers) {
  const camera = cameras.get(name);
  if (!camera) {
    return '';
  }
  const wrong = trouble(workers?.capture) || trouble(workers?.analyse)
    || (stats.camera_fps === 0 ? 'no pictures' : '');
  camera.element.classList.toggle('bad', wrong !== '');
  setText(camera.state, wrong || `${stats.camera_fps.toFixed(1)} fps`);
  return wrong;
}

async function updateStats() {
  let stats;
  try {
    stats = await ask('api/stats');
  } catch {
    setText($('summary'), 'No connection');
    showBanners([{ text: 'Corvette does not answer. Trying again…', bad: true }]);
    return;
  }
  const own = stats.corvette ?? {};
  const banners = (own.warnings ?? []).map((text) => ({ text, bad: false }));
  for (const [name, values] of Object.entries(stats.cameras)) {
    const wrong = showCameraState(name, values, own.cameras?.[name]);
    if (wrong && stats.service.uptime > 20) {
      banners.push({ text: `Camera ${name}: ${wrong}`, bad: true });
    }
  }
  for (const [name, worker] of Object.entries(own.detectors ?? {})) {
    const wrong = trouble(worker);
    if (wrong) {
      banners.push({ text: `Detector ${name}: ${wrong}`, bad: true });
    }
  }
  showBanners(banners);
  const cpu = stats.cpu_usages?.['frigate.full_system']?.cpu;
  setText($('summary'), [
    `${Object.keys(stats.cameras).length} cameras`,
    `${stats.detection_fps.toFixed(1)} detections/s`,
    cpu ? `CPU ${cpu} %` : '',
    stats.service.version,
  ].filter(Boolean).join(' · '));
}

// ---- events ----

const shown = new Map(); // id -> { element, event }
let pages = 1;

function seconds(length) {
  const whole = Math.max(0, Math.round(length));
  const minutes = Math.floor(whole / 60);
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

function clock(time) {
  const date = new Date(time * 1000);
  const today = new Date().toDateString() === date.toDateString();
  return date.toLocaleString(undefined, today
    ? { timeStyle: 'medium' }
    : { dateStyle: 'medium', timeStyle: 'medium' });
}

function eventPath(event, file) {
  return new URL(`api/events/${encodeURIComponent(event.id)}/${file}`, base);
}

function view(event) {
  const running = event.end_time === null;
  $('viewer-title').textContent = `${event.label}, ${event.camera}`;
  $('viewer-picture').alt = `Snapshot of the ${event.label}`;
  $('viewer-picture').src = event.has_snapshot || running
    ? eventPath(event, running ? 'snapshot.jpg?bbox=1' : 'snapshot.jpg')
    : eventPath(event, 'thumbnail.jpg');
  $('viewer-facts').textContent = `${clock(event.start_time)} · ${event.id}`;
  $('viewer').showModal();
}

function makeEvent(event) {
  const element = fromTemplate('event-template');
  const entry = { element, event, thumbnail: '' };
  element.dataset.event = event.id;
  element.querySelector('.picture').addEventListener('click', () => view(entry.event));
  return entry;
}

function showEvent(entry, event) {
  const part = (selector) => entry.element.querySelector(selector);
  const running = event.end_time === null;
  const score = event.data?.top_score ?? event.data?.score ?? event.top_score;
  const time = part('time');
  entry.event = event;
  setText(part('.label'), event.sub_label ? `${event.label} (${event.sub_label})` : event.label);
  setText(part('.score'), score ? `${Math.round(score * 100)} %` : '');
  setText(part('.where'), [event.camera, ...event.zones].join(' · '));
  setText(time, clock(event.start_time));
  time.dateTime = new Date(event.start_time * 1000).toISOString();
  setText(part('.length'), seconds((event.end_time ?? Date.now() / 1000) - event.start_time));
  part('.running').hidden = !running;
  // A running event's thumbnail gets better; an ended one's is final and may be kept.
  const version = running ? `r${Math.floor(Date.now() / RUNNING_THUMBNAIL_MS)}` : '';
  const thumbnail = eventPath(event, `thumbnail.jpg${version && `?v=${version}`}`).href;
  const image = part('img');
  if (entry.thumbnail !== thumbnail) {
    entry.thumbnail = thumbnail;
    image.src = thumbnail;
    image.alt = `${event.label} on ${event.camera}`;
  }
}

async function updateEvents() {
  const query = new URLSearchParams({
    include_thumbnails: 0,
    limit: EVENTS_AT_ONCE * pages,
    cameras: $('event-camera').value,
    labels: $('event-label').value,
  });
  let events;
  try {
    events = await ask(`api/events?${query}`);
  } catch {
    return; // the state above says that there is no connection
  }
  const list = $('events');
  const wanted = new Set(events.map((event) => event.id));
  for (const [id, entry] of shown) {
    if (!wanted.has(id)) {
      entry.element.remove();
      shown.delete(id);
    }
  }
  events.forEach((event, i) => {
    const entry = shown.get(event.id) ?? makeEvent(event);
    shown.set(event.id, entry);
    showEvent(entry, event);
    if (list.children[i] !== entry.element) {
      list.insertBefore(entry.element, list.children[i] ?? null);
    }
  });
  $('no-events').hidden = events.length > 0;
  $('more').hidden = events.length < EVENTS_AT_ONCE * pages;
}

async function updateLabels() {
  try {
    const known = new Set([...$('event-label').options].map((option) => option.value));
    for (const label of await ask('api/labels')) {
      if (!known.has(label)) {
        $('event-label').append(new Option(label, label));
      }
    }
  } catch {
    // Tried again below; until then the choice is "all".
  }
}

await showUser(ask).catch(() => {}); // whoever is to log in first sees the form
await loadCameras();
repeat(updateStats, STATS_EVERY_MS);
const refresh = repeat(updateEvents, EVENTS_EVERY_MS);
repeat(updateLabels, 10 * STATS_EVERY_MS);
for (const id of ['event-camera', 'event-label']) {
  $(id).addEventListener('change', () => {
    pages = 1;
    refresh();
  });
}
$('more').addEventListener('click', () => {
  pages++;
  refresh();
});
