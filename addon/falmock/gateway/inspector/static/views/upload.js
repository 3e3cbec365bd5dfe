// A file of this machine becomes an asset.

import { size } from "../format.js";

// What one call of the control API can carry, in base64.
const MOST = 6e6;

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Error(`${file.name} cannot be read: ${reader.error.message}`));
    reader.readAsDataURL(file);
  });
}

// The asset that a File became. Throws an Error that says why it became none.
export async function upload(api, file) {
  if (file.size > MOST) {
    throw new Error(
      `${file.name} has ${size(file.size)}, and the page takes ${size(MOST)}: upload it with a client of fal's`,
    );
  }
  // A data URL of an empty file has no comma in some browsers.
  return api.send("POST", "/assets", { name: file.name, data: file.size ? await base64(file) : "" });
}
