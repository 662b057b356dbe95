// A picture made small enough for a weak network: at most 1600 px, JPEG, without what the camera wrote into it.

const EDGE = 1600;
// A long screenshot would lose its text.
const LONGEST = 3;
const QUALITY = 0.85;

function decoded(file) {
  return new Promise((resolve) => {
    const address = URL.createObjectURL(file);
    const picture = new Image();
    picture.onload = () => {
      URL.revokeObjectURL(address);
      resolve(picture);
    };
    picture.onerror = () => {
      URL.revokeObjectURL(address);
      resolve(null);
    };
    picture.src = address;
  });
}

// The file itself where it is small already, or where this browser cannot read it or would lay it on its side.
export async function shrunk(file) {
  const turns = window.CSS && CSS.supports("image-orientation", "from-image");
  const picture = turns ? await decoded(file) : null;
  if (!picture) {
    return file;
  }
  const long = Math.max(picture.naturalWidth, picture.naturalHeight);
  const short = Math.min(picture.naturalWidth, picture.naturalHeight);
  if (!short || long > LONGEST * short) {
    return file;
  }
  const by = Math.min(1, EDGE / long);
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.naturalWidth * by);
  canvas.height = Math.round(picture.naturalHeight * by);
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const made = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  return made && (by < 1 || made.size < file.size) ? made : file;
}
