/** Pixels of a side: enough for a circle of 36 on any screen. */
const SIDE = 96;
/** What is larger takes long to decode. */
const MAX_FILE = 20 * 1024 * 1024;

/**
 * The middle of a picture as a small square, as a data URL of a few kilobytes.
 *
 * @throws {Error} in words for a person, for what is no picture
 */
export async function smallPicture(file: Blob): Promise<string> {
  if (file.size > MAX_FILE) throw new Error("The picture is too large: 20 MB at most.");
  const picture = await createImageBitmap(file).catch(() => {
    throw new Error("This is no picture that the browser can read.");
  });
  const side = Math.min(picture.width, picture.height);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const left = (picture.width - side) / 2, top = (picture.height - side) / 2;
  canvas.getContext("2d")?.drawImage(picture, left, top, side, side, 0, 0, SIDE, SIDE);
  picture.close();
  // Browsers that can't write WebP write PNG.
  return canvas.toDataURL("image/webp", 0.85);
}
