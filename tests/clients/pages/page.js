// What the pages share: showing files as pages do, and telling what a user would see.

export const ended = (element, good) =>
  new Promise((resolve, reject) => {
    element.addEventListener(good, resolve, { once: true });
    const fail = () => reject(new Error(`no ${good} of ${element.src}: ${element.error?.message}`));
    element.addEventListener("error", fail, { once: true });
  });

async function digest(bytes) {
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Show a picture with <img>; with `readable` as one that scripts may read the pixels of, which CORS decides.
export async function picture(url, { readable = false } = {}) {
  const image = document.createElement("img");
  if (readable) image.crossOrigin = "anonymous";
  const loaded = ended(image, "load");
  image.src = url;
  document.body.append(image);
  await loaded;
  const { naturalWidth: width, naturalHeight: height } = image;
  if (!readable) return { width, height };
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return { width, height, pixels: await digest(context.getImageData(0, 0, width, height).data) };
}

// Show a film with <video>, and go to its end.
export async function film(url) {
  const video = Object.assign(document.createElement("video"), { muted: true, preload: "auto", controls: true });
  const metadata = ended(video, "loadedmetadata");
  const playable = ended(video, "loadeddata");
  video.src = url;
  document.body.append(video);
  await metadata;
  await playable;
  const sought = ended(video, "seeked");
  video.currentTime = video.duration - 0.1;
  await sought;
  const { videoWidth: width, videoHeight: height, duration } = video;
  return { width, height, duration, shows: video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA };
}

// Have a file, or a range of it, in a script.
export async function download(url, range) {
  const answer = await fetch(url, { headers: range ? { range } : {} });
  const content = await answer.arrayBuffer();
  const type = answer.headers.get("content-type");
  return { status: answer.status, type, size: content.byteLength, sha256: await digest(content) };
}

// A job from the queue to its end: the states that it went through, all that it logged, and the result.
// It takes so long that a busy machine sees each state.
export async function subscribe(fal, prompt) {
  const app = "test/slow";
  const input = { prompt, pace: { queued: 1.5, running: 1.5 } };
  const updates = [];
  const onQueueUpdate = (update) => updates.push(update);
  const { data, requestId } = await fal.subscribe(app, { input, logs: true, pollInterval: 100, onQueueUpdate });
  const states = updates.map((update) => update.status).filter((state, place, all) => state !== all[place - 1]);
  const { logs, metrics } = updates.at(-1);
  return { states, logs: logs.map((log) => log.message), metrics, data, requestId };
}

// Do a page's work, and show what came of it.
export async function tell(work) {
  const output = document.querySelector("output");
  try {
    output.textContent = JSON.stringify(await work());
    output.dataset.state = "done";
  } catch (error) {
    // The errors of a browser's own have no stack.
    output.textContent = `${error.stack ?? `${error.name}: ${error.message}`} ${JSON.stringify(error.body ?? null)}`;
    output.dataset.state = "failed";
  }
}
