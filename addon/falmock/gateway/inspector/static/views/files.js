// Files as what they are: images, videos, sounds, else links.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { size } from "../format.js";

const kindOf = (type) => (/^(image|video|audio)\//.exec(type ?? "") ?? [])[1];

// {source, isBroken, find, setBroken}: where a file is found, by `api.media`; null until that is known. `find()` asks
// again.
function useSource(api, sha256) {
  const [source, setSource] = useState(null);
  const [isBroken, setBroken] = useState(false);
  const wanted = useRef("");
  const find = () => {
    wanted.current = sha256;
    api.media(sha256).then(
      (found) => wanted.current === sha256 && setSource(found),
      () => wanted.current === sha256 && setBroken(true),
    );
  };
  useEffect(() => {
    setBroken(false);
    find();
    return () => {
      wanted.current = "";
    };
  }, [sha256]);
  return { source, isBroken, find, setBroken };
}

// A file as it is shown; `file` is a File or an Asset of the API.
export function Media({ api, file }) {
  const { source, isBroken, find, setBroken } = useSource(api, file.sha256);
  const place = useRef(null);
  const name = file.name || file.sha256.slice(0, 8);
  const kind = file.type === "image/svg+xml" || file.shows === false || isBroken ? null : kindOf(file.type);
  const failed = ({ target }) => {
    if (source.isFresh()) return setBroken(true);
    // Its ticket ran out while it was shown: a player goes on where it was.
    place.current = { at: target.currentTime, plays: target.paused === false };
    find();
  };
  const loaded = ({ target }) => {
    if (!place.current) return;
    target.currentTime = place.current.at;
    if (place.current.plays) target.play();
    place.current = null;
  };
  const player = { controls: true, preload: "metadata", "aria-label": name, onError: failed, onLoadedMetadata: loaded };
  const url = source?.url;
  return html`
    <figure class="media">
      ${url && kind === "image" && html`<img src=${url} alt=${name} loading="lazy" onError=${failed} />`}
      ${url && kind === "video" && html`<video src=${url} ...${player} />`}
      ${url && kind === "audio" && html`<audio src=${url} ...${player} />`}
      ${!kind && html`<div class="media-none" aria-hidden="true">${(file.type || "file").split("/").pop()}</div>`}
      <figcaption>
        <${FileLink} api=${api} sha256=${file.sha256}>${name}<//>
        <span class="faint"> ${[file.type, size(file.size)].filter(Boolean).join(", ")}</span>
      </figcaption>
    </figure>
  `;
}

// A link to a file. Its ticket is renewed when somebody reaches for it.
function FileLink({ api, sha256, children }) {
  const { source, find } = useSource(api, sha256);
  if (!source) return children;
  const reached = () => source.isFresh() || find();
  return html`<a href=${source.url} target="_blank" rel="noreferrer" onPointerEnter=${reached} onFocus=${reached}
    >${children}</a
  >`;
}

// Files side by side; nothing if there are none.
export const Files = ({ api, files }) =>
  files.length > 0 &&
  html`
    <div class="media-grid">${files.map((file) => html`<${Media} key=${file.url} api=${api} file=${file} />`)}</div>
  `;
